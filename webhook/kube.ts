// The connection to the API server, inside of a cluster or by KUBECONFIG.

import {
  AdmissionregistrationV1Api,
  ApiException,
  AppsV1Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  EventsV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { messageOf, OrchestratorError } from '../src/errors.ts';

export type Kube = {
  readonly core: CoreV1Api;
  readonly rbac: RbacAuthorizationV1Api;
  readonly coordination: CoordinationV1Api;
  readonly admission: AdmissionregistrationV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly events: EventsV1Api;
  readonly version: VersionApi;
  readonly watch: Watch;
};

export function connectKube(): Kube {
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new OrchestratorError('RO_KUBE_CONFIG', messageOf(error), { cause: error });
  }
  return {
    core: config.makeApiClient(CoreV1Api),
    rbac: config.makeApiClient(RbacAuthorizationV1Api),
    coordination: config.makeApiClient(CoordinationV1Api),
    admission: config.makeApiClient(AdmissionregistrationV1Api),
    apps: config.makeApiClient(AppsV1Api),
    batch: config.makeApiClient(BatchV1Api),
    events: config.makeApiClient(EventsV1Api),
    version: config.makeApiClient(VersionApi),
    watch: new Watch(config),
  };
}

export function isStatus(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code;
}

/** The server's own sentence: client-node's message is the whole answer, headers included. */
export function kubeMessage(error: unknown): string {
  if (!(error instanceof ApiException)) return messageOf(error);
  const body: unknown = error.body;
  try {
    const status = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: string };
    return `${error.code}: ${status.message ?? ''}`;
  } catch {
    return `${error.code}`;
  }
}
