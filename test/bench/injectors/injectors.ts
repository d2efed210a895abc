// The injectors that the bench compares. Linkerd's is not among them: the registry refuses the releases of
// its module that have one. Dapr's reads a Configuration from the API server for every review, five in a
// second at most: it would measure client-go's limit.

import type { OpenInjector } from './injector.ts';
import { openIstio } from './istio.ts';
import { openOurs } from './ours.ts';
import { openPepr } from './pepr.ts';
import { openVaultK8s } from './vault-k8s.ts';

export const INJECTORS = {
  ours: openOurs,
  'vault-k8s': openVaultK8s,
  istio: openIstio,
  pepr: openPepr,
} as const satisfies Record<string, OpenInjector>;

export type InjectorName = keyof typeof INJECTORS;
