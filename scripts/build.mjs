// Bundles each program into one file that Node runs without node_modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BASE_TEXT } from '../cli/base-objects.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// Where there is no repository (an unpacked archive, an image's context) whoever builds may say it.
function commitOf() {
  const given = process.env.RO_BUILD_COMMIT;
  if (given !== undefined && given !== '') return given;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  // Not that of a repository which this one was unpacked into.
  if (!existsSync(`${cwd}.git`)) return 'unknown';
  const asked = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--match='], {
    cwd,
    encoding: 'utf8',
  });
  return asked.status === 0 ? asked.stdout.trim() : 'unknown';
}

// The agent's way to KUBECONFIG is a file of its own: in a cluster it is never loaded.
const SERVER_NODE = [22, 19]; // as undici 8 in the client of Kubernetes needs it
const CLI_NODE = [20, 0]; // arrays that are copied with a change
const programs = [
  ['agent', 'agent/main.ts', SERVER_NODE],
  ['agent-kubeconfig', 'agent/kube/kubeconfig.ts', SERVER_NODE],
  ['webhook', 'webhook/main.ts', SERVER_NODE],
  ['redis-orchestrator', 'cli/main.ts', CLI_NODE],
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

// Before anything else, in words that every Node knows.
const versionCheck = ([major, minor]) => `{
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < ${major} || (major === ${major} && minor < ${minor})) {
    process.stderr.write('redis-orchestrator: needs Node ${major}.${minor} or newer, and this is ' + process.version +
      '. Remedy: install a newer one, or use the image.\\n');
    process.exit(1);
  }
}`;

// A name that an older Node does not export would end the program before its first line: `import { globSync } from
// 'node:fs'` is looked up first. What is required is looked up when it is used.
const builtinsLate = {
  name: 'builtins-late',
  setup(plugin) {
    const isBuiltin = new RegExp(`^(node:)?(${builtinModules.join('|')})$`);
    plugin.onResolve({ filter: isBuiltin }, ({ path, kind, namespace }) =>
      kind === 'import-statement' && namespace !== 'builtin'
        ? { path, namespace: 'builtin' }
        : undefined,
    );
    plugin.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
      loader: 'js',
    }));
  },
};

// The live page: one script, one style sheet, one document. They are texts in the bundles of those that serve it, and
// stand in dist/ui for whoever runs from the sources.
async function buildPage() {
  const folder = new URL('../dist/ui/', import.meta.url);
  const { outputFiles } = await build({
    entryPoints: ['agent/ui/app.ts', 'agent/ui/style.css'],
    outdir: 'ui',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    logLevel: 'warning',
  });
  const textOf = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const files = {
    'index.html': readFileSync(new URL('../agent/ui/index.html', import.meta.url), 'utf8'),
    'app.js': textOf('app.js'),
    'style.css': textOf('style.css'),
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, folder), text);
  return {
    'process.env.RO_BUILD_PAGE_HTML': JSON.stringify(files['index.html']),
    'process.env.RO_BUILD_PAGE_SCRIPT': JSON.stringify(files['app.js']),
    'process.env.RO_BUILD_PAGE_STYLE': JSON.stringify(files['style.css']),
  };
}

const shared = {
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  plugins: [apart, smallUndici, builtinsLate],
  define: {
    'process.env.RO_BUILD_VERSION': JSON.stringify(version),
    'process.env.RO_BUILD_COMMIT': JSON.stringify(commitOf()),
    // What `check --pre` looks for room for.
    'process.env.RO_BUILD_BASE': JSON.stringify(BASE_TEXT),
    ...(await buildPage()),
  },
  logLevel: 'warning',
};

// Bundled CommonJS packages call require(); ESM has none of its own.
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

await Promise.all(
  programs.map(async ([out, source, node]) =>
    build({
      ...shared,
      entryPoints: [{ in: source, out }],
      target: `node${node[0]}`,
      banner: { js: `${versionCheck(node)}\n${REQUIRE}` },
    }),
  ),
);
// People call it by its name (the `bin` of package.json), or through kubectl, which finds its plugins by theirs.
// `import()` is a word of both kinds of modules: the file has no ending that would tell Node which one it is.
const plugin = new URL('../dist/kubectl-redis_orchestrator', import.meta.url);
writeFileSync(plugin, "#!/usr/bin/env node\nimport('./redis-orchestrator.mjs');\n");
chmodSync(plugin, 0o755);
chmodSync(new URL('../dist/redis-orchestrator.mjs', import.meta.url), 0o755);
