// The faults, the very same for every system that is compared.

import type { Container } from '../harness/container.ts';
import type { FaultName } from './system.ts';

function kill(container: Container): void {
  container.hold();
  container.signal('SIGKILL');
}

/** To a Redis and the program beside it (an agent, a sentinel). Returns what is down by it. */
export function strike(
  fault: FaultName,
  { redis, beside }: { readonly redis: Container; readonly beside: Container },
): readonly Container[] {
  switch (fault) {
    case 'crash':
      kill(redis);
      return [redis];
    case 'podKilled':
      kill(beside);
      kill(redis);
      return [beside, redis];
    case 'frozen':
      redis.signal('SIGSTOP');
      return [redis];
  }
}
