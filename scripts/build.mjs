// Bundles each program into one file that Node runs without node_modules.
import { chmodSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// The agent's way to KUBECONFIG is a file of its own: in a cluster it is never loaded.
const programs = [
  ['agent', 'agent/main.ts'],
  ['agent-kubeconfig', 'agent/kube/kubeconfig.ts'],
  ['webhook', 'webhook/main.ts'],
  ['redis-orchestrator', 'cli/main.ts'],
];

const apart = {
  name: 'kubeconfig-apart',
  setup(plugin) {
    plugin.onResolve({ filter: /^\.\/kubeconfig\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './agent-kubeconfig.mjs', external: true } : undefined,
    );
  },
};

// Of undici the agent uses Agent and request. Its index loads fetch, WebSocket, mocks and caches as well,
// which cost every pod 2 MiB; this is what that index makes of the two, and nothing else.
const UNDICI = `
const Agent = require('undici/lib/dispatcher/agent.js');
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js');
const send = require('undici/lib/api/api-request.js');
const { parseURL } = require('undici/lib/core/util.js');
function request(text, { dispatcher, ...options }) {
  const { origin, pathname, search } = parseURL(text);
  const method = options.method ?? (options.body ? 'PUT' : 'GET');
  return send.call(dispatcher, { ...options, origin, path: pathname + search, method });
}
module.exports = { Agent, Dispatcher, request };
`;

const smallUndici = {
  name: 'small-undici',
  setup(plugin) {
    plugin.onResolve({ filter: /^undici$/ }, ({ importer }) =>
      /\/agent\/[^/]+\/[^/]+\.ts$/.test(importer)
        ? { path: 'undici', namespace: 'small' }
        : undefined,
    );
    plugin.onLoad({ filter: /^undici$/, namespace: 'small' }, () => ({
      contents: UNDICI,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    }));
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
  plugins: [apart, smallUndici],
  define: { 'process.env.RO_BUILD_VERSION': JSON.stringify(version) },
  // Bundled CommonJS packages call require(); ESM has none of its own.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
// People call it by its name (the `bin` of package.json).
chmodSync(new URL('../dist/redis-orchestrator.mjs', import.meta.url), 0o755);
