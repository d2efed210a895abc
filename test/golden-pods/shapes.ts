// All else that varies in the golden pods: TLS, owner, environment, and the rest of the pod.

import { type Kind, type Parts, setEnv, type Vary, type Words } from './parts.ts';

const TLS: Readonly<Record<string, Vary>> = {
  'no-tls': () => {},
  tls: (parts, add, kind) => tls(parts, add, kind, {}),
  'plain-port': (_parts, _add) => {},
  'tls-0400': (parts, add, kind) => tls(parts, add, kind, { defaultMode: 0o400 }),
};

function tls(parts: Parts, add: Words | undefined, kind: Kind, mode: object): void {
  if (add === undefined && kind !== 'bitnami') return;
  parts.spec.volumes.push({ name: 'tls', secret: { secretName: 'redis-tls', ...mode } });
  parts.container.volumeMounts = [
    ...(parts.container.volumeMounts ?? []),
    { name: 'tls', mountPath: '/tls', readOnly: true },
  ];
  if (kind !== 'bitnami') {
    const files = ['--tls-cert-file', '/tls/tls.crt', '--tls-key-file', '/tls/tls.key'];
    add?.(parts, [
      '--port',
      '0',
      '--tls-port',
      '6379',
      ...files,
      '--tls-ca-cert-file',
      '/tls/ca.crt',
    ]);
    return;
  }
  for (const product of ['REDIS', 'VALKEY']) {
    setEnv(
      parts,
      { name: `${product}_TLS_ENABLED`, value: 'yes' },
      { name: `${product}_TLS_CERT_FILE`, value: '/tls/tls.crt' },
      { name: `${product}_TLS_KEY_FILE`, value: '/tls/tls.key' },
      { name: `${product}_TLS_CA_FILE`, value: '/tls/ca.crt' },
    );
  }
}

const UID = '11111111-2222-3333-4444-555555555555';
const OWNERS: Readonly<Record<string, Vary>> = {
  alone: () => {},
  'stateful-set': ({ metadata }) => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'cache.blue', uid: UID };
    Object.assign(metadata, { ownerReferences: [{ ...owner, controller: true }] });
    metadata.labels['statefulset.kubernetes.io/pod-name'] = 'redis-0';
  },
  'replica-set': ({ metadata }) => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cache-6c9f', uid: UID };
    const block = { controller: true, blockOwnerDeletion: true };
    const more = { name: undefined, generateName: 'cache-6c9f-' };
    Object.assign(metadata, { ...more, ownerReferences: [{ ...owner, ...block }] });
    metadata.labels['pod-template-hash'] = '6c9f';
  },
};

const ENVIRONMENTS: Readonly<Record<string, Vary>> = {
  bare: () => {},
  many: (parts) => {
    const entries = Array.from({ length: 100 }, (_, at) => ({
      name: `VAR_${at}`,
      value: at === 0 ? 'x' : `$(VAR_${at - 1})`,
    }));
    setEnv(parts, ...entries);
  },
  fields: (parts) => {
    const fieldRef = { apiVersion: 'v1', fieldPath: 'status.podIP' };
    setEnv(parts, { name: 'POD_IP', valueFrom: { fieldRef } });
    setEnv(parts, { name: 'RO_GROUP', value: 'mine' }, { name: 'EMPTY' });
  },
  odd: (parts) => {
    setEnv(parts, { name: 'ODD', value: '"\'{{ .Values.x }}\\\n\u2028$$(ODD)~1/' });
    parts.metadata.annotations['example.com/odd.key'] = '{"a":"b"}\n';
    parts.metadata.labels['example.com/team'] = 'a_b.c';
  },
  twice: (parts) => setEnv(parts, { name: 'TWICE', value: '1' }, { name: 'TWICE', value: '2' }),
};

const POD_SHAPES: Readonly<Record<string, Vary>> = {
  small: () => {},
  hooks: ({ container, spec }) => {
    spec['terminationGracePeriodSeconds'] = 5;
    container.lifecycle = {
      preStop: { exec: { command: ['true'] } },
      postStart: { exec: { command: ['true'] } },
    };
  },
  'own-account': ({ spec }) => {
    spec['serviceAccountName'] = 'mine';
  },
  'no-token': ({ spec }) => {
    spec['automountServiceAccountToken'] = false;
    spec['terminationGracePeriodSeconds'] = 600;
  },
  'wants-token': ({ spec }) => {
    spec['automountServiceAccountToken'] = true;
    spec['serviceAccountName'] = 'default';
  },
  company: ({ spec, metadata }) => {
    spec.initContainers = [
      { name: 'prepare', image: 'busybox', command: ['sh', '-c', 'true'] },
      { name: 'istio-proxy', image: 'istio/proxyv2', restartPolicy: 'Always' },
    ];
    spec.containers.unshift({
      name: 'metrics',
      image: 'oliver006/redis_exporter',
      ports: [{ name: 'metrics', containerPort: 8080 }],
    });
    metadata.annotations['kubectl.kubernetes.io/default-container'] = 'metrics';
  },
  rich: ({ container, spec }) => {
    spec.volumes.push(
      { name: 'data', persistentVolumeClaim: { claimName: 'data-redis-0' } },
      { name: 'scratch', emptyDir: { medium: 'Memory' } },
    );
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: 'data', mountPath: '/data' },
      { name: 'scratch', mountPath: '/tmp/x' },
    ];
    container.ports = [{ name: 'redis', containerPort: 6379 }];
    container.readinessProbe = { exec: { command: ['redis-cli', 'ping'] }, periodSeconds: 5 };
    container.resources = { requests: { memory: '100Mi' }, limits: { memory: '200Mi' } };
    Object.assign(spec, {
      shareProcessNamespace: true,
      priority: 0,
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'redis', operator: 'Exists', effect: 'NoSchedule' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: 'redis' } },
        },
      ],
    });
  },
};

/** Lengths without a common divisor, so that all pairs come together. */
export const AXES = [TLS, OWNERS, ENVIRONMENTS, POD_SHAPES] as const;
