// The webhook program: options, signals and exit codes; no logic.

import { messageOf } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { helpText } from '../src/options.ts';
import { VERSION } from '../src/version.ts';
import { readConfig, WEBHOOK_OPTIONS } from './config.ts';
import { runWebhook } from './run.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`redis-orchestrator webhook ${VERSION}\n\n${helpText(WEBHOOK_OPTIONS)}\n`);
  process.exit(0);
}
const result = readConfig(args, process.env);
if (!result.ok) {
  process.stderr.write(`${result.errors.join('\n')}\n`);
  process.exit(2);
}
const { config } = result;
const log = createLog('webhook', config.logLevel, { version: VERSION });
try {
  const webhook = await runWebhook(config, log);
  const stop = (): void => {
    log.info({ drainMs: config.drainDelay }, 'shutting down');
    void webhook.drain(config.drainDelay).then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  log.error({ error: messageOf(error) }, 'the webhook could not start');
  process.exit(1);
}
