// What the agent knows of its own pod by the downward API: variable to field path.

export const DOWNWARD_FIELDS: Readonly<Record<string, string>> = {
  POD_NAME: 'metadata.name',
  POD_NAMESPACE: 'metadata.namespace',
  POD_IP: 'status.podIP',
  POD_UID: 'metadata.uid',
};
