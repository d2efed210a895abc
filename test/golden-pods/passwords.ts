// Where the password of the golden pods comes from.

import { type Kind, type Parts, setEnv, type Words } from './parts.ts';

type Password = {
  readonly words?: boolean;
  readonly only?: Kind;
  readonly set: (parts: Parts, add: Words | undefined) => void;
};

export const PASSWORDS: Readonly<Record<string, Password>> = {
  none: { set: () => {} },
  annotation: {
    set: ({ metadata }) => {
      metadata.annotations['redis-orchestrator.io/password-secret'] = 'redis-auth/password';
    },
  },
  literal: { words: true, set: (parts, add) => add?.(parts, ['--requirepass', 'pla in"quote']) },
  secret: {
    words: true,
    set: (parts, add) => {
      const secretKeyRef = { name: 'redis-auth', key: 'password' };
      setEnv(parts, { name: 'PASS', valueFrom: { secretKeyRef } });
      add?.(parts, ['--requirepass', '$(PASS)', '--masterauth', '$(PASS)']);
    },
  },
  'env-from': {
    words: true,
    set: (parts, add) => {
      parts.container.envFrom = [{ prefix: 'AUTH_', secretRef: { name: 'redis-auth' } }];
      add?.(parts, ['--requirepass', '$(AUTH_password)']);
    },
  },
  'config-map': {
    words: true,
    set: (parts, add) => {
      const configMapKeyRef = { name: 'settings', key: 'password', optional: true };
      setEnv(parts, { name: 'INNER', valueFrom: { configMapKeyRef } });
      setEnv(parts, { name: 'PASS', value: 'x$(INNER)y' });
      add?.(parts, ['--requirepass', '$(PASS)']);
    },
  },
  variable: {
    only: 'bitnami',
    set: (parts) => {
      const secretKeyRef = { name: 'redis-auth', key: 'password' };
      for (const name of ['REDIS_PASSWORD', 'VALKEY_PASSWORD']) {
        setEnv(parts, { name, valueFrom: { secretKeyRef } });
      }
    },
  },
  'variable-and-flags': {
    only: 'bitnami',
    set: (parts) => {
      setEnv(parts, { name: 'ALLOW_EMPTY_PASSWORD', value: 'yes' });
      setEnv(parts, { name: 'REDIS_EXTRA_FLAGS', value: '--maxmemory 100mb' });
      setEnv(parts, { name: 'VALKEY_EXTRA_FLAGS' });
    },
  },
  file: {
    only: 'bitnami',
    set: (parts) => {
      const mountPath = '/opt/bitnami/secrets';
      parts.spec.volumes.push({ name: 'auth', secret: { secretName: 'redis-auth' } });
      parts.container.volumeMounts = [
        ...(parts.container.volumeMounts ?? []),
        { name: 'auth', mountPath, readOnly: true },
      ];
      for (const product of ['REDIS', 'VALKEY']) {
        setEnv(parts, { name: `${product}_PASSWORD_FILE`, value: `${mountPath}/password` });
      }
    },
  },
};
