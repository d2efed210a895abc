// What each command does, and what refuses it. The order of the refusals is Redis's own.

import type { Connection } from './connection.ts';
import { appended, holds } from './dataset.ts';
import type { Downstream } from './downstream.ts';
import type { Command, ErrorCode, RedisInfo, Reply, SettingName } from './protocol.ts';
import type { State } from './state.ts';
import { writeBytes } from './stream.ts';
import type { Upstream } from './upstream.ts';
import type { Waiters } from './waiters.ts';

export type ProcessActions = {
  info(): RedisInfo;
  clients(): Iterable<Connection>;
  shutDown(save: boolean): void;
  save(): void;
};

type Resume = (reply: Reply) => void;

const OK: Reply = { kind: 'ok' };

const ERRORS: Readonly<Record<ErrorCode, Reply>> = {
  READONLY: { kind: 'error', code: 'READONLY' },
  NOREPLICAS: { kind: 'error', code: 'NOREPLICAS' },
  LOADING: { kind: 'error', code: 'LOADING' },
  MASTERDOWN: { kind: 'error', code: 'MASTERDOWN' },
  MISCONF: { kind: 'error', code: 'MISCONF' },
  EXECABORT: { kind: 'error', code: 'EXECABORT' },
  UNBLOCKED: { kind: 'error', code: 'UNBLOCKED' },
  ERR: { kind: 'error', code: 'ERR' },
};

export class Executor {
  readonly #state: State;
  readonly #upstream: Upstream;
  readonly #downstream: Downstream;
  readonly #waiters: Waiters;
  readonly #actions: ProcessActions;

  constructor(
    state: State,
    links: { upstream: Upstream; downstream: Downstream; waiters: Waiters },
    actions: ProcessActions,
  ) {
    this.#state = state;
    this.#upstream = links.upstream;
    this.#downstream = links.downstream;
    this.#waiters = links.waiters;
    this.#actions = actions;
  }

  refusal(command: Command): Reply | null {
    switch (command.kind) {
      case 'write':
        return this.#writeRefusal() ?? this.#readRefusal();
      case 'ping':
        return this.#diskRefusal() ?? this.#readRefusal(this.#state.traits.pingsWhenStale);
      case 'exists':
      case 'keys':
      case 'wait':
        return this.#readRefusal();
      case 'replicaof':
      case 'replicaof-no-one':
      case 'bgsave':
        return this.#state.loading === null ? null : ERRORS.LOADING;
      case 'config-set': {
        const { loading, traits } = this.#state;
        return loading !== null && traits.locksSettingsWhileLoading ? ERRORS.ERR : null;
      }
      case 'info':
      case 'config-get':
      case 'client-kill':
      case 'subscribe':
      case 'shutdown':
        return null;
    }
  }

  #diskRefusal(): Reply | null {
    const { isDiskFull, settings, traits } = this.#state;
    if (!isDiskFull || settings.persistence === 'none') return null;
    const isSpared = this.#upstream.target !== null && traits.diskSparesReplicas;
    return isSpared ? null : ERRORS.MISCONF;
  }

  #writeRefusal(): Reply | null {
    const { tunables } = this.#state;
    const disk = this.#diskRefusal();
    if (disk !== null) return disk;
    if (this.#upstream.target === null) {
      return this.#downstream.hasEnoughGood ? null : ERRORS.NOREPLICAS;
    }
    return tunables.replicaReadOnly ? ERRORS.READONLY : null;
  }

  #readRefusal(isStaleFine = false): Reply | null {
    const { settings, loading } = this.#state;
    const { target, isConnected } = this.#upstream;
    if (!isStaleFine && !settings.serveStaleData && target !== null && !isConnected)
      return ERRORS.MASTERDOWN;
    return loading === null ? null : ERRORS.LOADING;
  }

  execute(command: Command, connection: Connection, resume: Resume): Reply | null {
    switch (command.kind) {
      case 'info':
        return { kind: 'info', info: this.#actions.info() };
      case 'ping':
        return OK;
      case 'replicaof':
        if (this.#upstream.follow(command.host, command.port)) this.#waiters.disconnectAll();
        return OK;
      case 'replicaof-no-one':
        const wasMaster = this.#upstream.target === null;
        if (!wasMaster) this.#upstream.unfollow();
        this.#state.observer?.promoted(wasMaster);
        return OK;
      case 'config-set':
        this.#set(command.name, command.value);
        return OK;
      case 'config-get':
        return { kind: 'number', value: this.#get(command.name) };
      case 'client-kill':
        return { kind: 'number', value: this.#kill(command.type, connection) };
      case 'subscribe':
        connection.type = 'pubsub';
        return OK;
      case 'write':
        return this.#write(command.id, command.valueBytes ?? 1);
      case 'exists':
        return { kind: 'number', value: holds(this.#state.dataset, command.id) ? 1 : 0 };
      case 'keys':
        return { kind: 'keys', dataset: this.#state.dataset };
      case 'wait':
        if (this.#upstream.target !== null) return ERRORS.ERR;
        return this.#waiters.wait(command, connection, resume);
      case 'shutdown':
        this.#actions.shutDown(command.save);
        return null;
      case 'bgsave':
        this.#actions.save();
        return OK;
    }
  }

  /** Blocked for good where the process is about to end. */
  #write(id: number, valueBytes: number): Reply | null {
    const state = this.#state;
    if (state.isShuttingDown) return null;
    const bytes = writeBytes(valueBytes);
    state.setDataset(appended(state.dataset, id), bytes);
    state.observer?.accepted(id);
    if (this.#upstream.target === null) {
      this.#downstream.write(bytes, state.dataset);
    }
    return OK;
  }

  #kill(type: 'normal' | 'pubsub', caller: Connection): number {
    let killed = 0;
    for (const connection of Array.from(this.#actions.clients())) {
      if (connection === caller || connection.type !== type) continue;
      connection.drop();
      killed++;
    }
    return killed;
  }

  #set(name: SettingName, value: number): void {
    const { tunables } = this.#state;
    switch (name) {
      case 'min-replicas-to-write':
        tunables.minReplicas = value;
        this.#downstream.refreshGood();
        return;
      case 'min-replicas-max-lag':
        tunables.maxLagSeconds = value;
        this.#state.observer?.lagSet(value);
        this.#downstream.refreshGood();
        return;
      case 'replica-read-only':
        tunables.replicaReadOnly = value !== 0;
        return;
      case 'repl-backlog-size':
        tunables.backlogBytes = value;
        this.#state.backlog?.setLimit(value);
        return;
      case 'repl-diskless-sync-delay':
        tunables.disklessDelaySeconds = value;
        return;
      case 'maxmemory':
        return;
    }
  }

  #get(name: SettingName): number {
    const { tunables } = this.#state;
    switch (name) {
      case 'min-replicas-to-write':
        return tunables.minReplicas;
      case 'min-replicas-max-lag':
        return tunables.maxLagSeconds;
      case 'replica-read-only':
        return tunables.replicaReadOnly ? 1 : 0;
      case 'repl-backlog-size':
        return tunables.backlogBytes;
      case 'repl-diskless-sync-delay':
        return tunables.disklessDelaySeconds;
      case 'maxmemory':
        return 0;
    }
  }
}
