// Bundles each program into one file that Node runs without node_modules.
import { existsSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// The agent's way to KUBECONFIG is a file of its own: in a cluster it is never loaded.
const programs = [
  ['agent', 'agent/main.ts'],
  ['agent-kubeconfig', 'agent/kube/kubeconfig.ts'],
  ['webhook', 'webhook/main.ts'],
  ['cli', 'cli/main.ts'],
].filter(([, source]) => existsSync(new URL(`../${source}`, import.meta.url)));

const apart = {
  name: 'kubeconfig-apart',
  setup(plugin) {
    plugin.onResolve({ filter: /^\.\/kubeconfig\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './agent-kubeconfig.mjs', external: true } : undefined,
    );
  },
};

await build({
  entryPoints: programs.map(([out, source]) => ({ in: source, out })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  plugins: [apart],
  define: { 'process.env.RO_BUILD_VERSION': JSON.stringify(version) },
  // Bundled CommonJS packages call require(); ESM has none of its own.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
