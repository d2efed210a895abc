// Injection, failover, deletion and scaling on Valkey 8.

import t from 'tap';
import { failoverSuite } from './failover-suite.ts';
import { VALKEY } from './manifest.ts';

await failoverSuite(t, VALKEY);
