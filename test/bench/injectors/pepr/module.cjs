// An injector in Pepr, as its users write them: a sidecar, a volume and an annotation for every pod that
// is created. What `pepr build` makes of such a module is this file, minified.

const { Capability, PeprModule, a } = require('pepr');
const settings = require('./package.json');

const injector = new Capability({
  name: 'sidecar',
  description: 'adds a sidecar to every pod',
  namespaces: [],
});

const field = (name, fieldPath) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const probe = (path) => ({ httpGet: { path, port: 8080 }, periodSeconds: 5, failureThreshold: 3 });

const SIDECAR = {
  name: 'sidecar',
  image: 'example/sidecar:1',
  imagePullPolicy: 'IfNotPresent',
  restartPolicy: 'Always',
  env: [
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('POD_IP', 'status.podIP'),
    { name: 'REDIS_PORT', value: '6379' },
  ],
  ports: [{ name: 'sidecar', containerPort: 8080 }],
  startupProbe: probe('/live'),
  livenessProbe: probe('/live'),
  readinessProbe: probe('/ready'),
  resources: { requests: { cpu: '25m', memory: '96Mi' }, limits: { cpu: '1', memory: '192Mi' } },
  volumeMounts: [{ name: 'sidecar-token', mountPath: '/var/run/sidecar', readOnly: true }],
};

const VOLUME = {
  name: 'sidecar-token',
  projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] },
};

injector
  .When(a.Pod)
  .IsCreated()
  .Mutate((pod) => {
    const { spec } = pod.Raw;
    spec.initContainers = [...(spec.initContainers ?? []), structuredClone(SIDECAR)];
    spec.volumes = [...(spec.volumes ?? []), structuredClone(VOLUME)];
    pod.SetAnnotation('example/sidecar', 'injected');
  });

// By itself it takes port 3000.
new PeprModule(settings, [injector], { deferStart: true }).start(Number(process.env.PORT));
