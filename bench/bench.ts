// npm run bench, and npm run bench -- faults: which of the programs beside this file is meant.
if (process.argv[2] === "faults") await import("./faults.ts");
else await import("./run.ts");

export {};
