// Where the pods of one test file live. As root each pod has a network namespace of its own, with a
// cable to a switch, so that links can be cut, thinned out and slowed one by one; else pods are
// loopback addresses of this machine, and no link can be cut.
//
// Invariant: nothing outlives the test process, however that ends. The namespaces have no name: each
// is held by a sleeping process on the test's leash, and the kernel removes it with its cables.

import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { PodNetwork } from './free-ports.ts';
import { PodLink } from './pod-link.ts';
import { waitFor } from './wait-for.ts';
import type { ManagedProcess, Workspace } from './workspace.ts';

const run = promisify(execFile);

/** Where one pod runs. */
export type PodPlace = {
  readonly address: string;
  /** What a command begins with to run there. */
  readonly enter: readonly string[];
  /** Undefined where links cannot be cut. */
  readonly link: PodLink | undefined;
  /** After the pod's processes have ended. */
  readonly close: () => Promise<void>;
};

export type PodPlaces = {
  /** Where the API server listens; undefined: wherever it likes. */
  readonly apiAddress: string | undefined;
  /** Why no link can be cut, and what to do about it; undefined where they can. */
  readonly whyNoLinks: string | undefined;
  /** The next free address, or the one given. */
  readonly place: (address?: string) => Promise<PodPlace>;
};

class LoopbackPlaces implements PodPlaces {
  readonly apiAddress = undefined;
  readonly whyNoLinks: string;
  private readonly network: PodNetwork;

  constructor(network: PodNetwork, whyNoLinks: string) {
    this.network = network;
    this.whyNoLinks = whyNoLinks;
  }

  async place(address = this.network.address()): Promise<PodPlace> {
    return { address, enter: [], link: undefined, close: async () => undefined };
  }
}

/** Runs lines of `ip -batch` in the network namespace of a process, or in ours. */
async function ip(pid: number | undefined, lines: readonly string[]): Promise<void> {
  const running =
    pid === undefined
      ? run('ip', ['-batch', '-'])
      : run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-batch', '-']);
  running.child.stdin?.end(`${lines.join('\n')}\n`);
  await running;
}

/** A network namespace of its own: the process that holds it. */
async function holdNamespace(workspace: Workspace, name: string): Promise<ManagedProcess> {
  const own = readlinkSync('/proc/self/ns/net');
  // arp_notify: an address that moves to another pod is known at once.
  const hold = 'echo 1 >/proc/sys/net/ipv4/conf/default/arp_notify; exec sleep infinity';
  const holder = workspace.start(name, 'unshare', ['--net', 'sh', '-c', hold]);
  await waitFor(
    'a network namespace',
    () => {
      if (!holder.isRunning) throw new Error(holder.tail());
      return readlinkSync(`/proc/${holder.pid}/ns/net`) !== own;
    },
    { timeoutMs: 5000, everyMs: 2 },
  );
  return holder;
}

class NamespacePlaces implements PodPlaces {
  readonly apiAddress: string;
  readonly whyNoLinks = undefined;
  private readonly workspace: Workspace;
  private readonly hub: ManagedProcess;
  private readonly prefix: string;
  private next = 1;
  private cables = 0;

  private constructor(workspace: Workspace, hub: ManagedProcess, prefix: string) {
    this.workspace = workspace;
    this.hub = hub;
    this.prefix = prefix;
    this.apiAddress = `${prefix}.253`;
  }

  /** A switch in a namespace of its own, and a cable from it to this machine. */
  static async open(workspace: Workspace): Promise<NamespacePlaces> {
    // The claim on 127.A.B.0/24 stands for 100.A.B.0/24, a range that nobody routes (RFC 6598).
    const claim = await PodNetwork.claim(workspace, { from: 64, to: 128 });
    const prefix = claim.prefix.replace(/^127/, '100');
    const hub = await holdNamespace(workspace, 'switch');
    const cable = `ro${hub.pid}`;
    await ip(undefined, [
      `link add ${cable} type veth peer name uplink netns ${hub.pid}`,
      // Clients come from the first address, the API server has the second: each can be cut off.
      `addr add ${prefix}.254/24 dev ${cable}`,
      `addr add ${prefix}.253/24 dev ${cable}`,
      `link set ${cable} up`,
    ]);
    await ip(hub.pid, [
      'link add switch type bridge',
      'link set switch up',
      'link set uplink master switch up',
    ]);
    return new NamespacePlaces(workspace, hub, prefix);
  }

  async place(given?: string): Promise<PodPlace> {
    if (this.next > 250) throw new Error('this test used more than 250 pod addresses');
    const address = given ?? `${this.prefix}.${this.next++}`;
    const holder = await holdNamespace(this.workspace, `namespace-${address}`);
    const port = `pod${++this.cables}`;
    await ip(this.hub.pid, [
      `link add ${port} type veth peer name eth0 netns ${holder.pid}`,
      `link set ${port} master switch up`,
    ]);
    await ip(holder.pid, ['link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up']);
    const link = new PodLink({
      address,
      api: this.apiAddress,
      clients: `${this.prefix}.254`,
      pod: `/proc/${holder.pid}/ns/net`,
      hub: `/proc/${this.hub.pid}/ns/net`,
      port,
    });
    await link.prepare();
    return {
      address,
      enter: ['nsenter', `--net=/proc/${holder.pid}/ns/net`],
      link,
      close: async () => void (await holder.kill()),
    };
  }
}

const TOOLS = [
  ['ip', '-Version'],
  ['nft', '--version'],
  ['nsenter', '--version'],
  ['unshare', '--version'],
] as const;

async function whatIsMissing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root. Remedy: run it with sudo';
  for (const [tool, flag] of TOOLS) {
    try {
      await run(tool, [flag]);
    } catch {
      return `${tool} does not run. Remedy: apt-get install iproute2 nftables util-linux`;
    }
  }
  return undefined;
}

/** Without links: for whom cuts nothing, and is compared with others on loopback. */
export async function openLoopback(workspace: Workspace): Promise<PodPlaces> {
  return new LoopbackPlaces(
    await PodNetwork.claim(workspace),
    'the pods share the loopback device',
  );
}

/** Says loudly where pods cannot have a network of their own. */
export async function openPodNetwork(workspace: Workspace): Promise<PodPlaces> {
  let missing = await whatIsMissing();
  if (missing === undefined) {
    try {
      return await NamespacePlaces.open(workspace);
    } catch (error) {
      missing = `no network namespace can be made: ${messageOf(error)}. Remedy: a machine, or a container with --privileged`;
    }
  }
  process.stderr.write(`NO LINK BETWEEN PODS CAN BE CUT HERE: ${missing}\n`);
  return new LoopbackPlaces(await PodNetwork.claim(workspace), missing);
}
