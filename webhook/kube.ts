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

export function isStatus(error: unknown, code: number): error is ApiException<unknown> {
  return error instanceof ApiException && error.code === code;
}

type StatusBody = {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly kind?: string };
};

function statusBody({ body }: ApiException<unknown>): StatusBody | undefined {
  try {
    return (typeof body === 'string' ? JSON.parse(body) : body) as StatusBody;
  } catch {
    return undefined;
  }
}

/** One of the same name is there. Other refusals have code 409, too: a quota that others count on at the same time. */
export function isAlreadyThere(error: unknown): boolean {
  return isStatus(error, 409) && statusBody(error)?.reason === 'AlreadyExists';
}

/** Not an object in it: that one may have been taken away this instant. */
export function isNamespaceGone(error: unknown): boolean {
  return isStatus(error, 404) && statusBody(error)?.details?.kind === 'namespaces';
}

/** The server's own sentence: client-node's message is the whole answer, headers included. */
export function kubeMessage(error: unknown): string {
  if (!(error instanceof ApiException)) return messageOf(error);
  const status = statusBody(error);
  return status === undefined ? `${error.code}` : `${error.code}: ${status.message ?? ''}`;
}
