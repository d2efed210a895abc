// Values that no release may set, and what the refusal of both Helms must name.

export const REFUSED: readonly { readonly values: unknown; readonly says: RegExp }[] = [
  { values: { replicas: 3 }, says: /at '': additional properties 'replicas' not allowed/ },
  {
    values: { webhook: { replica: 3 } },
    says: /at '\/webhook': additional properties 'replica' not allowed/,
  },
  {
    values: { webhook: { certificates: { secret: 'mine' } } },
    says: /at '\/webhook\/certificates': additional properties 'secret' not allowed/,
  },
  {
    values: { webhook: { resources: { requests: { cpus: 1 } } } },
    says: /at '\/webhook\/resources\/requests': additional properties 'cpus' not allowed/,
  },
  {
    values: { webhook: { affinity: { podAntiaffinity: {} } } },
    says: /at '\/webhook\/affinity': additional properties 'podAntiaffinity' not allowed/,
  },
  {
    values: { webhook: { failurePolicy: 'Fial' } },
    says: /at '\/webhook\/failurePolicy': value must/,
  },
  { values: { webhook: { timeoutSeconds: 60 } }, says: /at '\/webhook\/timeoutSeconds': maximum/ },
  { values: { webhook: { replicas: null } }, says: /at '\/webhook': missing property 'replicas'/ },
  { values: { webhook: { certificates: { source: 'secret' } } }, says: /secretName/ },
  {
    values: { injection: { selector: 'app=redis' } },
    says: /at '\/injection\/selector': got string/,
  },
  { values: { agent: { resources: { limits: { memory: '1Gib' } } } }, says: /\/limits\/memory'/ },
];
