// npm run bench, and npm run bench -- faults or servers: which of the programs beside this file is meant.
if (process.argv[2] === "faults") await import("./faults.ts");
else if (process.argv[2] === "servers") await import("./servers.ts");
else await import("./run.ts");

export {};
