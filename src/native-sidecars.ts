// Whether native sidecars can be used: only where the *oldest* kubelet knows them, a new API server is not enough.

const NATIVE_MINOR_MIN = 29;

/** True where every version is known and new enough; a cluster without nodes has no old one. */
export function allKnowSidecars(kubeletVersions: readonly string[]): boolean {
  return kubeletVersions.every((version) => {
    const match = /^v?(\d+)\.(\d+)/.exec(version);
    const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
    return major > 1 || (major === 1 && minor >= NATIVE_MINOR_MIN);
  });
}
