// Bundles each program into one file that Node runs without node_modules.
import { existsSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const programs = ['agent', 'webhook', 'cli'].filter((name) =>
  existsSync(new URL(`../${name}/main.ts`, import.meta.url)),
);

await build({
  entryPoints: programs.map((name) => ({ in: `${name}/main.ts`, out: name })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  sourcemap: false,
  minifySyntax: true,
  legalComments: 'external',
  define: { 'process.env.RO_BUILD_VERSION': JSON.stringify(version) },
  // Bundled CommonJS packages call require(); ESM has none of its own.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'info',
});
