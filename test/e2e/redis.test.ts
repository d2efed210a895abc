// Injection, failover, deletion and scaling on Redis 7.0.

import t from 'tap';
import { failoverSuite } from './failover-suite.ts';
import { REDIS } from './manifest.ts';

await failoverSuite(t, REDIS);
