// Values that a release may set, and what must come of each: rendered by both Helms, shown to a real API server.

export type Rendered = {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
};

export type ChartCase = {
  readonly name: string;
  readonly values: unknown;
  /** For each kind, a part of what its objects must have. */
  readonly has?: Readonly<Record<string, unknown>>;
  readonly lacks?: readonly string[];
  /** Flags of the webhook beside --agent-image. */
  readonly flags?: readonly string[];
};

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function deployment(pod: unknown): Readonly<Record<string, unknown>> {
  return { Deployment: { spec: { template: { spec: pod } } } };
}

const container = (part: unknown): Readonly<Record<string, unknown>> =>
  deployment({ containers: [part] });

export const CHART_CASES: readonly ChartCase[] = [
  {
    name: 'images of a registry, by a tag',
    values: { image: { registry: 'registry.example.com:5000/team/', tag: '1.2.3' } },
    has: container({
      image: 'registry.example.com:5000/team/redis-orchestrator/webhook:1.2.3',
      args: ['--agent-image=registry.example.com:5000/team/redis-orchestrator/agent:1.2.3'],
    }),
  },
  {
    name: 'images by other names and by digest',
    values: {
      webhook: { image: { repository: 'mirror/ro-webhook', digest: DIGEST } },
      agent: { image: { repository: 'mirror/ro-agent', digest: DIGEST } },
    },
    has: container({
      image: `mirror/ro-webhook@${DIGEST}`,
      args: [`--agent-image=mirror/ro-agent@${DIGEST}`],
    }),
  },
  {
    name: 'how images are pulled',
    values: { image: { pullPolicy: 'Always' }, imagePullSecrets: [{ name: 'one' }, { name: '2' }] },
    has: deployment({
      imagePullSecrets: [{ name: 'one' }, { name: '2' }],
      containers: [{ imagePullPolicy: 'Always' }],
    }),
    flags: ['--image-pull-policy=Always'],
  },
  {
    name: 'where the webhook runs',
    values: {
      webhook: {
        replicas: 3,
        priorityClassName: 'system-cluster-critical',
        tolerations: [{ key: 'control-plane', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: {
          podAntiAffinity: null,
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'control-plane', operator: 'Exists' }] },
              ],
            },
          },
        },
        resources: { requests: { cpu: '100m' }, limits: { cpu: null } },
        pdb: { minAvailable: 2 },
      },
    },
    has: {
      ...deployment({
        priorityClassName: 'system-cluster-critical',
        tolerations: [{ key: 'control-plane', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { nodeAffinity: {} },
        containers: [{ resources: { requests: { cpu: '100m', memory: '128Mi' } } }],
      }),
      PodDisruptionBudget: { spec: { minAvailable: 2 } },
    },
  },
  {
    name: 'one replica has no budget, or no node could be drained',
    values: { webhook: { replicas: 1 } },
    has: { Deployment: { spec: { replicas: 1 } } },
    lacks: ['PodDisruptionBudget'],
  },
  {
    name: 'how the API server calls',
    values: { webhook: { failurePolicy: 'Ignore', timeoutSeconds: 10, logLevel: 'debug' } },
    has: {
      MutatingWebhookConfiguration: {
        webhooks: [
          { failurePolicy: 'Ignore', timeoutSeconds: 10 },
          { failurePolicy: 'Ignore', timeoutSeconds: 10 },
        ],
      },
    },
    flags: ['--log-level=debug'],
  },
  {
    name: 'certificates of somebody else: no right on the Secret of our own authority',
    values: { webhook: { certificates: { source: 'secret', secretName: 'webhook-tls' } } },
    has: deployment({
      volumes: [{ name: 'certificates', secret: { secretName: 'webhook-tls' } }],
      containers: [{ volumeMounts: [{ name: 'certificates', mountPath: '/certificates' }] }],
    }),
    lacks: ['Role', 'RoleBinding'],
    flags: [
      '--tls-cert-file=/certificates/tls.crt',
      '--tls-key-file=/certificates/tls.key',
      '--tls-ca-file=/certificates/ca.crt',
    ],
  },
  {
    name: 'what is injected',
    values: {
      injection: {
        selector: ['app=cache', 'tier='],
        excludedNamespaces: ['kube-system', '2024'],
        nativeSidecar: false,
      },
    },
    has: {
      MutatingWebhookConfiguration: {
        webhooks: [
          {
            namespaceSelector: {
              matchExpressions: [{}, { values: ['kube-system', '2024', '31337'] }],
            },
          },
          {
            namespaceSelector: { matchExpressions: [{ values: ['kube-system', '2024', '31337'] }] },
          },
        ],
      },
    },
    flags: [
      '--selector=app=cache;tier=',
      '--excluded-namespaces=kube-system,2024',
      '--native-sidecar=false',
    ],
  },
  {
    name: 'what an agent may use, bare numbers among it',
    values: {
      agent: {
        resources: {
          requests: { cpu: 0.5, memory: 268_435_456 },
          limits: { cpu: 2, memory: '1Gi' },
        },
      },
    },
    flags: [
      '--agent-cpu-request=0.5',
      '--agent-memory-request=2.68435456e+08',
      '--agent-cpu-limit=2',
      '--agent-memory-limit=1Gi',
    ],
  },
  {
    name: 'rights and network rules by somebody else',
    values: {
      rbac: { create: false, peopleRoles: false },
      networkPolicy: { enabled: false },
      webhook: { pdb: { enabled: false } },
    },
    has: { ServiceAccount: { metadata: { name: 'redis-orchestrator-webhook' } } },
    lacks: [
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'NetworkPolicy',
      'PodDisruptionBudget',
    ],
  },
];
