// Loaded into an agent by `node --import`: SIGUSR2 blocks its event loop, as a long computation or
// a starved CPU would.

const BLOCKED_MS = Number(process.env['RO_TEST_BLOCKED_MS'] ?? '5000');

process.on('SIGUSR2', () => {
  const end = performance.now() + BLOCKED_MS;
  while (performance.now() < end);
});
