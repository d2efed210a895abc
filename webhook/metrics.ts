// Counters of the webhook, for Prometheus. Labels are the stable codes of core/reasons.ts.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type WebhookMetrics = {
  readonly registry: Registry;
  readonly decisions: Counter<'decision'>;
  readonly reasons: Counter<'code'>;
  readonly requestSeconds: Histogram;
  readonly certificateExpiry: Gauge;
  readonly clockOffset: Gauge;
  readonly namespaceErrors: Counter;
  readonly leader: Gauge;
  readonly uninjectedPods: Gauge<'namespace'>;
};

export function createMetrics(): WebhookMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    decisions: new Counter({
      name: 'redis_orchestrator_webhook_decisions_total',
      help: 'Admission requests by decision: inject, skip:CODE, deny:CODE, invalid.',
      labelNames: ['decision'],
      registers,
    }),
    reasons: new Counter({
      name: 'redis_orchestrator_webhook_reasons_total',
      help: 'Reasons of decisions by code (docs/reasons.md): one request may have several.',
      labelNames: ['code'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'redis_orchestrator_webhook_request_seconds',
      help: 'Time of one decision, without TLS and network.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'redis_orchestrator_webhook_certificate_expiry_seconds',
      help: 'End of the serving certificate, in seconds since 1970.',
      registers,
    }),
    clockOffset: new Gauge({
      name: 'redis_orchestrator_webhook_clock_offset_seconds',
      help: 'By how much the clock of the API server is ahead of this one.',
      registers,
    }),
    namespaceErrors: new Counter({
      name: 'redis_orchestrator_webhook_namespace_errors_total',
      help: 'Failed attempts to prepare a namespace.',
      registers,
    }),
    leader: new Gauge({
      name: 'redis_orchestrator_webhook_leader',
      help: '1 for the replica that works the controller.',
      registers,
    }),
    uninjectedPods: new Gauge({
      name: 'redis_orchestrator_webhook_uninjected_pods',
      help: 'Pods that run without the agent that they should have; told by the leader alone.',
      labelNames: ['namespace'],
      registers,
    }),
  };
}
