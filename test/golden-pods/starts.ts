// How Redis is started in the golden pods: image families, and the ways to write the command of each.

import type { Kind, Start, Words } from './parts.ts';

const intoArgs: Words = ({ container }, words) => {
  container.args = [...(container.args ?? []), ...words];
};
const intoShell =
  (field: 'command' | 'args', index: number): Words =>
  ({ container }, words) => {
    const text = words.map((word) => (/^[\w/-]+$/.test(word) ? word : `"${word}"`)).join(' ');
    // `$(VAR)` is Kubernetes's own; a shell has `$VAR`.
    const spoken = text.replaceAll(/\$\((\w+)\)/g, '$$$1');
    const all = [...(container[field] ?? [])];
    all[index] = `${all[index]?.trimEnd()} ${spoken}`;
    container[field] = all;
  };

export const STARTS = {
  image: { set: () => {} },
  args: {
    set: (container) => Object.assign(container, { args: ['--maxmemory', '100mb'] }),
    add: intoArgs,
  },
  command: {
    set: (container, server) => Object.assign(container, { command: [server] }),
    add: intoArgs,
  },
  'command-and-args': {
    set: (container, server) =>
      Object.assign(container, { command: [`/usr/local/bin/${server}`], args: ['--save', ''] }),
    add: intoArgs,
  },
  shell: {
    set: (container, server) =>
      Object.assign(container, { command: ['sh', '-c', `exec ${server} --appendonly yes`] }),
    add: intoShell('command', 2),
  },
  'shell-block': {
    set: (container, server) => {
      const text = `# first\necho "it's starting"\nexec ${server} \\\n  --dir /data\n`;
      Object.assign(container, { command: ['/bin/sh', '-ec'], args: [text] });
    },
    add: intoShell('args', 0),
  },
  wrapper: {
    set: (container, server) =>
      Object.assign(container, { command: ['tini', '--'], args: [server, '--dir', '/data'] }),
    add: intoArgs,
  },
  script: { set: (container) => Object.assign(container, { command: ['/scripts/start.sh'] }) },
  config: {
    set: (container) => {
      container.args = ['/etc/redis/redis.conf'];
      container.volumeMounts = [{ name: 'config', mountPath: '/etc/redis' }];
    },
    add: intoArgs,
  },
  'config-and-port': {
    set: (container, server) => {
      container.command = [server, '/etc/redis/redis.conf', '--port', '6390'];
      container.volumeMounts = [
        { name: 'config', mountPath: '/etc/redis/redis.conf', subPath: 'redis.conf' },
      ];
    },
    add: intoArgs,
  },
  fenced: {
    set: (container, server) =>
      Object.assign(container, { args: [server, '--replicaof', '127.0.0.1', '1'] }),
    add: intoArgs,
  },
} as const satisfies Record<string, Start>;
export type StartName = keyof typeof STARTS;

const ALL_STARTS = Object.keys(STARTS) as StartName[];
const EXPLICIT: StartName[] = ['command', 'command-and-args', 'shell', 'shell-block', 'wrapper'];

export const FAMILIES: Readonly<
  Record<string, { image: string; server: string; kind: Kind; starts: readonly StartName[] }>
> = {
  redis: {
    image: 'redis:7.2-alpine',
    server: 'redis-server',
    kind: 'official',
    starts: ALL_STARTS,
  },
  valkey: {
    image: 'docker.io/valkey/valkey:8',
    server: 'valkey-server',
    kind: 'official',
    starts: ALL_STARTS,
  },
  registry: {
    image: `registry.example.com:5000/team/redis:7@sha256:${'ab'.repeat(32)}`,
    server: 'redis-server',
    kind: 'official',
    starts: ALL_STARTS,
  },
  bitnami: {
    image: 'bitnami/redis:7.0',
    server: 'redis-server',
    kind: 'bitnami',
    starts: ['image', 'script', 'shell'],
  },
  'bitnami-valkey': {
    image: 'docker.io/bitnamilegacy/valkey:8.0',
    server: 'valkey-server',
    kind: 'bitnami',
    starts: ['image', 'script', 'shell'],
  },
  stack: {
    image: 'redis/redis-stack-server:7.2.0-v10',
    server: 'redis-stack-server',
    kind: 'stack',
    starts: ['image', 'command', 'command-and-args'],
  },
  keydb: {
    image: 'eqalpha/keydb:x86_64_v6.3.4',
    server: 'keydb-server',
    kind: 'other',
    starts: ['image', 'args', ...EXPLICIT],
  },
  custom: {
    image: 'corp.example.com/cache:1',
    server: 'redis-server',
    kind: 'other',
    starts: EXPLICIT,
  },
};
