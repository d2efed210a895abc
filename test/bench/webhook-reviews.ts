// The AdmissionReviews of the bench of webhooks: pods of four sizes as the API server sends them, with
// what each of the injectors wants to see, so that one and the same review makes all of them inject.

export const NAMESPACE = 'shop';
export const KINDS = ['small', 'bitnami', 'large', 'wide'] as const;
export type Kind = (typeof KINDS)[number];

/** Pods of one kind differ in name and uid, as a StatefulSet's do. */
const VARIANTS = 64;
const LARGE_BYTES = 64 * 1024;
const WIDE_ENV = 1500;
const TOKEN = 'kube-api-access-x7k2p';
const TOKEN_MOUNT = {
  name: TOKEN,
  readOnly: true,
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
};

const LABELS = { app: 'redis', 'sidecar.istio.io/inject': 'true' };
const ANNOTATIONS = {
  'vault.hashicorp.com/agent-inject': 'true',
  'vault.hashicorp.com/role': 'redis',
};

type Env = { readonly name: string; readonly value: string };

const OFFICIAL = {
  name: 'redis',
  image: 'redis:7',
  ports: [{ name: 'redis', containerPort: 6379, protocol: 'TCP' }],
  resources: { limits: { memory: '256Mi' }, requests: { cpu: '50m', memory: '64Mi' } },
  volumeMounts: [{ name: 'data', mountPath: '/data' }, TOKEN_MOUNT],
  readinessProbe: {
    exec: { command: ['redis-cli', 'ping'] },
    timeoutSeconds: 1,
    periodSeconds: 2,
    successThreshold: 1,
    failureThreshold: 3,
  },
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
  securityContext: { capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false },
} as const;

const fromSecret = (name: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: 'redis', key: 'redis-password' } },
});

const BITNAMI = {
  ...OFFICIAL,
  image: 'docker.io/bitnami/redis:7.2.5-debian-12-r4',
  env: [
    { name: 'BITNAMI_DEBUG', value: 'false' },
    { name: 'ALLOW_EMPTY_PASSWORD', value: 'no' },
    fromSecret('REDIS_PASSWORD'),
    { name: 'REDIS_PORT_NUMBER', value: '6380' },
    { name: 'REDIS_TLS_ENABLED', value: 'no' },
    { name: 'REDIS_AOF_ENABLED', value: 'yes' },
    { name: 'REDIS_DATA_DIR', value: '/bitnami/redis/data' },
  ],
  ports: [{ name: 'redis', containerPort: 6380, protocol: 'TCP' }],
  volumeMounts: [
    { name: 'data', mountPath: '/bitnami/redis/data' },
    { name: 'tmp', mountPath: '/tmp', subPath: 'tmp-dir' },
    TOKEN_MOUNT,
  ],
} as const;

const EXPORTER = {
  name: 'metrics',
  image: 'docker.io/bitnami/redis-exporter:1.62.0',
  env: [
    { name: 'REDIS_ALIAS', value: 'redis' },
    { name: 'REDIS_ADDR', value: 'redis://localhost:6380' },
    fromSecret('REDIS_PASSWORD'),
  ],
  ports: [{ name: 'metrics', containerPort: 9121, protocol: 'TCP' }],
  resources: { requests: { cpu: '10m', memory: '32Mi' } },
  volumeMounts: [TOKEN_MOUNT],
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
} as const;

function environment(count: number): Env[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `SETTING_${String(at).padStart(4, '0')}`,
    value: `value ${at} of the application's settings`,
  }));
}

type Pod = { readonly metadata: { readonly name: string } };

function podOf(kind: Kind, at: number): Pod {
  switch (kind) {
    case 'small':
      return pod(at, [OFFICIAL]);
    case 'bitnami':
      return pod(at, [BITNAMI, EXPORTER], [{ name: 'tmp', emptyDir: {} }]);
    case 'wide':
      return pod(at, [{ ...OFFICIAL, env: environment(WIDE_ENV) }]);
    case 'large':
      return largePod(at);
  }
}

/** Volumes, variables and, for the rest of its bytes, an annotation. */
function largePod(at: number): Pod {
  const names = Array.from({ length: 40 }, (_, each) => `settings-${each}`);
  const volumes = names.map((name) => ({ name, configMap: { name, defaultMode: 420 } }));
  const mounts = names.map((name) => ({ name, mountPath: `/etc/${name}`, readOnly: true }));
  const redis = {
    ...OFFICIAL,
    env: environment(200),
    volumeMounts: [...OFFICIAL.volumeMounts, ...mounts],
  };
  const made = (rest: string): Pod => pod(at, [redis], volumes, { 'example.com/notes': rest });
  const missing = LARGE_BYTES - JSON.stringify(made('')).length;
  return made('notes on this pod. '.repeat(missing).slice(0, missing));
}

function pod(
  at: number,
  containers: readonly object[],
  volumes: readonly object[] = [],
  annotations: Readonly<Record<string, string>> = {},
): Pod {
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: 'redis',
    uid: '5a1c3c43-0000-4000-8000-000000000001',
    controller: true,
    blockOwnerDeletion: true,
  };
  const tolerate = (key: string) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  });
  const made = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `redis-${at}`,
      generateName: 'redis-',
      namespace: NAMESPACE,
      labels: { ...LABELS, 'apps.kubernetes.io/pod-index': String(at) },
      annotations: { ...ANNOTATIONS, ...annotations },
      ownerReferences: [owner],
    },
    spec: {
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: `data-redis-${at}` } },
        ...volumes,
        tokenVolume(),
      ],
      containers,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      serviceAccount: 'default',
      securityContext: { runAsUser: 999, runAsGroup: 999, runAsNonRoot: true, fsGroup: 999 },
      hostname: `redis-${at}`,
      subdomain: 'redis-headless',
      schedulerName: 'default-scheduler',
      tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(tolerate),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {},
  };
  return made;
}

/** As the API server's own admission adds it before webhooks are asked. */
function tokenVolume(): object {
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [
          { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
        ],
      },
    },
  ];
  return { name: TOKEN, projected: { sources, defaultMode: 420 } };
}

function reviewOf(object: Pod, at: number): object {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: `0df28fbd-5f5f-11e8-bc74-${String(at).padStart(12, '0')}`,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: object.metadata.name,
      namespace: NAMESPACE,
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:statefulset-controller',
        uid: '4f5d6a1e-0000-4000-8000-000000000002',
        groups: ['system:serviceaccounts', 'system:authenticated'],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
}

/** The bodies of one kind, ready to be sent. */
export function reviewBodies(kind: Kind): readonly Buffer[] {
  return Array.from({ length: VARIANTS }, (_, at) =>
    Buffer.from(JSON.stringify(reviewOf(podOf(kind, at), at))),
  );
}

type Answer = {
  readonly response?: {
    readonly uid?: string;
    readonly allowed?: boolean;
    readonly patch?: string;
  };
};

/** Undefined where the answer is an injection, else what it is: without it nothing is compared. */
export function whyNoInjection(status: number, text: string): string | undefined {
  const what = `${status} ${text.slice(0, 400)}`;
  if (status !== 200) return what;
  const { response } = JSON.parse(text) as Answer;
  if (response?.allowed !== true || response.patch === undefined) return what;
  const patch: unknown = JSON.parse(Buffer.from(response.patch, 'base64').toString());
  if (!Array.isArray(patch) || patch.length === 0) return `an empty patch: ${what}`;
  const addsContainer = ({ path, value }: { path?: string; value?: unknown }): boolean =>
    /^\/spec\/(initContainers|containers)/.test(path ?? '') &&
    (JSON.stringify(value) ?? '').includes('"image"');
  return patch.some(addsContainer) ? undefined : `no container is added: ${what}`;
}
