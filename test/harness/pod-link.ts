// The cable of one pod: what arrives and what leaves is dropped or slowed in the pod's own network
// namespace, before and after everything else; connections hang as they do when a cable is pulled.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Another pod's address; or `api`, or `clients`: the two ends that are no pods. */
export type LinkEnd = string;

type Options = {
  readonly address: string;
  readonly api: string;
  readonly clients: string;
  /** Paths of the network namespaces of the pod and of the switch. */
  readonly pod: string;
  readonly hub: string;
  /** The cable's end at the switch. */
  readonly port: string;
};

export class PodLink {
  readonly address: string;
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
    this.address = options.address;
  }

  private async nft(rules: string): Promise<void> {
    const running = run('nsenter', [`--net=${this.options.pod}`, 'nft', '-f', '-']);
    running.child.stdin?.end(rules);
    await running;
  }

  /** Empty sets, so that a cut later on is one small command. */
  async prepare(): Promise<void> {
    await this.nft(`table ip cuts {
      set from { type ipv4_addr; }
      set to { type ipv4_addr; }
      set lossy { type ipv4_addr; }
      set ports { type inet_service; }
      chain arriving {
        type filter hook prerouting priority -400;
        ip saddr @from drop
        ip saddr @lossy numgen random mod 100 < 40 drop
        ip saddr != ${this.options.clients} tcp dport @ports drop
      }
      chain leaving {
        type filter hook postrouting priority 400;
        ip daddr @to drop
      }
    }`);
  }

  private addressOf(end: LinkEnd): string {
    if (end === 'api') return this.options.api;
    return end === 'clients' ? this.options.clients : end;
  }

  /** What `end` sends does not arrive here any more. */
  async loseFrom(end: LinkEnd): Promise<void> {
    await this.nft(`add element ip cuts from { ${this.addressOf(end)} }`);
  }

  /** What this pod sends does not reach `end` any more. */
  async loseTo(end: LinkEnd): Promise<void> {
    await this.nft(`add element ip cuts to { ${this.addressOf(end)} }`);
  }

  async cut(...ends: readonly LinkEnd[]): Promise<void> {
    const list = ends.map((end) => this.addressOf(end)).join(', ');
    await this.nft(`add element ip cuts from { ${list} }\nadd element ip cuts to { ${list} }\n`);
  }

  /** Four in ten packets that `end` sends are lost. */
  async thinOut(end: LinkEnd): Promise<void> {
    await this.nft(`add element ip cuts lossy { ${this.addressOf(end)} }`);
  }

  /** A policy that lets nobody but clients in at a port. */
  async blockPort(port: number): Promise<void> {
    await this.nft(`add element ip cuts ports { ${port} }`);
  }

  /** Undoes all of the above. */
  async heal(): Promise<void> {
    const sets = ['from', 'to', 'lossy', 'ports'];
    await this.nft(sets.map((set) => `flush set ip cuts ${set}\n`).join(''));
  }

  /** What is sent to this pod passes at so many kilobits a second. */
  async slow(kilobits: number): Promise<void> {
    const { hub, port } = this.options;
    const shape = `rate ${kilobits}kbit burst 32k latency 2000ms`.split(' ');
    const qdisc = ['tc', 'qdisc', 'replace', 'dev', port, 'root', 'tbf', ...shape];
    await run('nsenter', [`--net=${hub}`, ...qdisc]);
  }

  async unslow(): Promise<void> {
    const { hub, port } = this.options;
    await run('nsenter', [`--net=${hub}`, 'tc', 'qdisc', 'del', 'dev', port, 'root']);
  }

  /** The node is without power: nothing comes or goes, and nothing is refused. */
  async unplug(): Promise<void> {
    await run('nsenter', [
      `--net=${this.options.hub}`,
      'ip',
      'link',
      'set',
      this.options.port,
      'down',
    ]);
  }

  async plug(): Promise<void> {
    await run('nsenter', [
      `--net=${this.options.hub}`,
      'ip',
      'link',
      'set',
      this.options.port,
      'up',
    ]);
  }
}
