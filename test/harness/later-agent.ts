// Bundles an agent of a later version from these sources: its reports have a higher protocol, and a
// field that older agents do not know.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { REPOSITORY } from './programs.ts';

export const LATER_PROTOCOL = 2;

function changed(source: string, from: RegExp, to: string): string {
  if (!from.test(source)) throw new Error(`the sources have no ${from} any more`);
  return source.replace(from, to);
}

const later: Plugin = {
  name: 'a later version',
  setup(plugin) {
    plugin.onLoad({ filter: /src\/wire\.ts$/ }, async ({ path }) => ({
      contents: changed(
        await readFile(path, 'utf8'),
        /PROTOCOL = \d+/,
        `PROTOCOL = ${LATER_PROTOCOL}`,
      ),
      loader: 'ts',
    }));
    plugin.onLoad({ filter: /core\/report\.ts$/ }, async ({ path }) => ({
      contents: changed(
        await readFile(path, 'utf8'),
        /protocol: state\.config\.protocol,/,
        'protocol: state.config.protocol, ...{ later: { tells: ["more"] } },',
      ),
      loader: 'ts',
    }));
  },
};

/** Path of the program. */
export async function laterAgent(directory: string): Promise<string> {
  await build({
    entryPoints: [join(REPOSITORY, 'agent', 'main.ts')],
    outfile: join(directory, 'later-agent.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [later],
    define: { 'process.env.RO_BUILD_VERSION': '"99.0.0"' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  return join(directory, 'later-agent.mjs');
}
