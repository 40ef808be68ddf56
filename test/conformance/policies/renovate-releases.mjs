// Which releases of a Go module renovate's Go datasource finds, by GOPROXY, as JSON. Run where the npm package renovate is
// installed: node renovate-releases.mjs DIRECTORY MODULE.
const [directory, packageName] = process.argv.slice(2);
const { GlobalConfig } = await import(`${directory}/node_modules/renovate/dist/config/global.js`);
GlobalConfig.set({ cacheDir: `${directory}/cache`, localDir: `${directory}/local` });
const { GoDatasource } = await import(`${directory}/node_modules/renovate/dist/modules/datasource/go/index.js`);
try {
  const found = await new GoDatasource().getReleases({ packageName });
  process.stdout.write(`\n${JSON.stringify({ releases: (found?.releases ?? []).map(({ version }) => version) })}\n`);
} catch (error) {
  process.stdout.write(`\n${JSON.stringify({ error: error.err?.statusCode ?? error.statusCode ?? error.message })}\n`);
}
process.exit(0);
