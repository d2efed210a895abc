// AdmissionReview v1 in and out. Whatever comes in, the answer is a well-formed review or a clear
// 400; the request path touches nothing but memory.

import { messageOf } from '../src/errors.ts';
import { isMap } from '../src/json.ts';
import { INJECT_LABEL, isNamespaceName } from '../src/names.ts';
import { decide } from './core/decide.ts';
import { type PatchOperation, toPatch } from './core/patch.ts';
import type { CoreConfig, Decision, NamespaceFacts } from './core/plan.ts';
import type { Pod } from './core/pod.ts';
import { faultText, podFault } from './core/pod-fault.ts';
import { isTransient, reasonText } from './core/reasons.ts';
import { reasonsOf, toldReasons } from './core/told.ts';

const API_VERSION = 'admission.k8s.io/v1';

type AdmissionRequest = {
  readonly uid: string;
  readonly namespace: string;
  readonly isDryRun: boolean;
  readonly isPod: boolean;
  readonly object: unknown;
};

type AdmissionResponse = {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: 'JSONPatch';
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
};

type AdmissionAnswer = {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'AdmissionReview';
  readonly response: AdmissionResponse;
};

/** What happened to one request: for logs, metrics, Events and the controller. */
export type Outcome = {
  readonly request: AdmissionRequest;
  readonly pod: Pod;
  readonly decision: Decision;
};

export type ReviewContext = {
  readonly core: CoreConfig;
  readonly namespaceFacts: (name: string) => NamespaceFacts;
};

export type Reviewed =
  | { readonly ok: true; readonly answer: AdmissionAnswer; readonly outcome: Outcome | undefined }
  | { readonly ok: false; readonly message: string };

/** Undefined for what is no AdmissionReview of version 1. */
function readReview(body: unknown): AdmissionRequest | undefined {
  if (!isMap(body) || body['kind'] !== 'AdmissionReview') return undefined;
  const request = body['request'];
  if (body['apiVersion'] !== API_VERSION || !isMap(request)) return undefined;
  const uid = request['uid'];
  if (typeof uid !== 'string' || uid === '') return undefined;
  const kind = isMap(request['kind']) ? request['kind'] : {};
  const object = request['object'];
  const isCreate = request['operation'] === undefined || request['operation'] === 'CREATE';
  return {
    uid,
    // A pod of a controller may have no namespace of its own yet: the request's is the true one.
    namespace: typeof request['namespace'] === 'string' ? request['namespace'] : '',
    isDryRun: request['dryRun'] === true,
    isPod: kind['kind'] === 'Pod' && (kind['group'] ?? '') === '' && isMap(object) && isCreate,
    object,
  };
}

function answer(response: AdmissionResponse): AdmissionAnswer {
  return { apiVersion: API_VERSION, kind: 'AdmissionReview', response };
}

function refuse(uid: string, code: number, reason: string, message: string): AdmissionAnswer {
  return answer({ uid, allowed: false, status: { code, reason, message } });
}

export function review(body: unknown, context: ReviewContext): Reviewed {
  const request = readReview(body);
  if (request === undefined) {
    return { ok: false, message: 'the body is no AdmissionReview of admission.k8s.io/v1' };
  }
  if (!request.isPod) {
    const response = { uid: request.uid, allowed: true };
    return { ok: true, answer: answer(response), outcome: undefined };
  }
  if (!isNamespaceName(request.namespace)) {
    // No API server sends it; taken for a name, it would lead to other objects, or be asked for without end.
    return { ok: false, message: 'request.namespace is no name of a namespace' };
  }
  const fault = podFault(request.object);
  if (fault !== undefined) {
    const message = `redis-orchestrator: ${faultText(fault)}. Remedy: ${fault.remedy}.`;
    const denial = refuse(request.uid, 422, 'Invalid', message);
    return { ok: true, answer: denial, outcome: undefined };
  }
  const pod = request.object as Pod;
  try {
    const decision = decide(pod, context.namespaceFacts(request.namespace), context.core);
    return {
      ok: true,
      answer: toAnswer(request, pod, decision),
      outcome: { request, pod, decision },
    };
  } catch (error) {
    // A pod that we cannot read must not start uninjected without anybody knowing.
    const message =
      `redis-orchestrator could not read this pod: ${messageOf(error)}. Remedy: tell its authors, with the pod; ` +
      `until then label its template ${INJECT_LABEL}=disabled.`;
    return {
      ok: true,
      answer: refuse(request.uid, 500, 'InternalError', message),
      outcome: undefined,
    };
  }
}

function toAnswer(request: AdmissionRequest, pod: Pod, decision: Decision): AdmissionAnswer {
  const { uid } = request;
  // A refusal has its reasons in the message.
  const warnings = decision.kind === 'deny' ? [] : toldReasons(decision).map(reasonText);
  const codes = reasonsOf(decision).map(({ code }) => code);
  const shared = {
    uid,
    ...(warnings.length === 0 ? {} : { warnings }),
    auditAnnotations: {
      decision: decisionText(decision),
      ...(codes.length === 0 ? {} : { reasons: [...new Set(codes)].join(',') }),
    },
  };
  switch (decision.kind) {
    case 'skip':
      return answer({ ...shared, allowed: true });
    case 'deny': {
      const message = `redis-orchestrator: ${decision.reasons.map(reasonText).join('; ')}`;
      const isRetry = decision.reasons.some(isTransient);
      const status = isRetry
        ? { code: 503, reason: 'ServiceUnavailable', message }
        : { code: 403, reason: 'Forbidden', message };
      return answer({ ...shared, allowed: false, status });
    }
    case 'inject': {
      const patch = toPatch(pod, decision.plan);
      return answer({
        ...shared,
        allowed: true,
        ...(patch.length === 0 ? {} : { patchType: 'JSONPatch' as const, patch: encode(patch) }),
      });
    }
  }
}

function encode(patch: readonly PatchOperation[]): string {
  return Buffer.from(JSON.stringify(patch)).toString('base64');
}

/** `skip:not-redis`, `inject`, `deny:name-taken`: stable, for audit, logs and metrics. */
export function decisionText(decision: Decision): string {
  switch (decision.kind) {
    case 'skip':
      return `skip:${decision.reason.code}`;
    case 'deny':
      return `deny:${decision.reasons[0]?.code ?? 'unknown'}`;
    case 'inject':
      return 'inject';
  }
}
