// The safety rules, each taken out of the core by a change of its text. Every one of these mutants must
// break an invariant in some schedule: a rule that no schedule needs is no rule.

export type Mutant = {
  readonly name: string;
  /** Where the rule comes from: STATE-MACHINE rule, section of DESIGN, or an ADR. */
  readonly rule: string;
  readonly file: string;
  /** Found exactly once, or the list is stale. */
  readonly find: string;
  readonly replace: string;
};

/** Rules that no schedule shows necessary, and why none does: they are told in each run. */
export const NOT_SHOWN: ReadonlyMap<string, string> = new Map([
  [
    'old-instance-stays-frozen',
    'a Redis that left limbo by another hand is put back in the same step, and an attachment ends the promise itself: the false word lives for one round trip to the local Redis',
  ],
  [
    'young-agents-are-sure',
    'who starts is named by a giver that has compared already, or waits for its streams as a challenger: no schedule has both missing',
  ],
  [
    'watch-tells-who-is-gone',
    'the list must lag behind a new holder for a whole wait while its Lease does not, and both watches of the model lag together',
  ],
]);

const core = (file: string): string => `agent/core/${file}.ts`;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-boot-fence',
    rule: 'DESIGN 5: boot fence',
    file: 'test/sim/cluster.ts',
    find: '        bootFence,\n        priority',
    replace: '        bootFence: false,\n        priority',
  },
  {
    name: 'acquire-without-proof',
    rule: 'DESIGN 4: only proof promotes',
    file: core('acquire'),
    find: 'const isSilent = silentMs >= state.config.timing.waitMs;',
    replace: 'const isSilent = silentMs >= 100;',
  },
  {
    name: 'validity-never-ends',
    rule: 'DESIGN 4: the holder counts its validity',
    file: core('view'),
    find: 'return state.now < state.validUntil;',
    replace: 'return state.validUntil > 0;',
  },
  {
    name: 'wait-shorter-than-validity',
    rule: 'DESIGN 4: (H + F)(1+ρ) + ε < L(1−ρ)',
    file: core('lease-clock'),
    find: 'fast: { renewMs: 500, requestTimeoutMs: 400, validityMs: 1200, fenceMs: 400, waitMs: 2000 },',
    replace:
      'fast: { renewMs: 500, requestTimeoutMs: 400, validityMs: 1200, fenceMs: 400, waitMs: 700 },',
  },
  {
    name: 'attach-without-guard',
    rule: 'DESIGN 7: attach guard',
    file: core('lineage'),
    find: '  if (dataset.keys === 0) return true;\n  if (discard',
    replace: '  if (dataset.keys >= 0) return true;\n  if (discard',
  },
  {
    name: 'ignore-goal',
    rule: 'rules 3 and 4: the goal of a planned transfer',
    file: core('goal'),
    find: '  return reached >= goal;',
    replace: '  return reached >= 0;',
  },
  {
    name: 'pending-goal-is-none',
    rule: 'ADR 9: who is named first waits for the offset at which its giver stopped',
    file: core('goal'),
    find: '  if (record.goal === null || record.previous === null)',
    replace: "  if (record.goal === null || record.goal === 'pending' || record.previous === null)",
  },
  {
    name: 'giver-is-not-waited-for',
    rule: 'ADR 9: a giver of which nothing is known may serve until its validity ends',
    file: core('goal'),
    find: 'const isSilent = state.now - state.phaseSince >= state.config.timing.waitMs;',
    replace: 'const isSilent = state.now - state.phaseSince >= 300;',
  },
  {
    name: 'no-return-to-giver',
    rule: 'rule 4: the goal was missed, the giver takes over again',
    file: core('goal'),
    find: '  if (exists === true && back !== null) {',
    replace: '  if (exists === true && back !== null && s.now < 0) {',
  },
  {
    name: 'no-successors-fence',
    rule: 'rule 8: before NO ONE the others are fenced',
    file: core('fencing-others'),
    find: '  if (targets.length === 0) return true;\n',
    replace: '  if (targets.length >= 0) return true;\n',
  },
  {
    name: 'leader-fences-once',
    rule: 'rule 8: Leading repeats it for those unconfirmed',
    file: core('rows-leading'),
    find: '  keepOthersFenced(turn);\n',
    replace: '',
  },
  {
    name: 'ghosts-are-left-alone',
    rule: 'rule 8, for processes without a pod object',
    file: core('fencing-others'),
    find: 'return [...pods, ...ghosts(s)].filter',
    replace: 'return pods.filter',
  },
  {
    name: 'compare-without-waiting',
    rule: 'DESIGN 6.4: freeze first, then compare',
    file: core('rows-deciding'),
    find: 'const FROZEN_WAIT_MS = 300;',
    replace: 'const FROZEN_WAIT_MS = 0;',
  },
  {
    name: 'no-comparison',
    rule: 'DESIGN 6.5: a holder that finds a fresher peer transfers',
    file: core('rows-deciding'),
    find: '  if (best === undefined || best.uid === self.uid) return true;\n  if (isDecided',
    replace: "  if (best === undefined || best.uid !== '') return true;\n  if (isDecided",
  },
  {
    name: 'decided-is-blind',
    rule: 'rule 23: decided only if all live peers were frozen',
    file: core('rows-deciding'),
    find: 'if (isDecided && !isFresher(best, self, recordOf(s))) return true;',
    replace: 'if (isDecided) return true;',
  },
  {
    name: 'limbo-during-first-sync',
    rule: 'DESIGN 7: never during a first sync',
    file: core('rows-following'),
    find: 's.attachment?.linkUpAt != null && !instance.linkUp && !instance.syncing',
    replace: 's.attachment !== null && !instance.linkUp',
  },
  {
    name: 'stalls-are-not-noticed',
    rule: 'DESIGN 4, ADR 12: what was not watched is no silence',
    file: core('learn'),
    find: 'unchangedSince: moved(s.lease.unchangedSince) };',
    replace: 'unchangedSince: s.lease.unchangedSince };',
  },
  {
    name: 'only-ticks-notice-stalls',
    rule: 'ADR 12: whatever comes first after a stall is preceded by it',
    file: 'agent/runtime.ts',
    find: '    this.#noticeStall();\n    this.#queue.push(event);',
    replace: '    this.#queue.push(event);',
  },
  {
    name: 'resume-any-master',
    rule: 'rule 16: a master that is not the recorded one goes to limbo',
    file: core('rows-boot'),
    find: '    candidateOf(s)?.runId === instance.runId &&\n    isNewest(recordOf(s), { replid: instance.replid, term: lease.term });',
    replace: "    instance.runId !== '';",
  },
  {
    name: 'same-term-again',
    rule: 'rule 9: promote again only in a new term',
    file: core('rows-deciding'),
    find: 'if (recordOf(s).lineage.at(-1)?.term === lease.term) {',
    replace: 'if (recordOf(s).lineage.at(-1)?.term === lease.term && s.now < 0) {',
  },
  {
    name: 'unknown-swaps-are-forgotten',
    rule: 'rule 2: no promotion while a swap that gave the Lease away is unknown',
    file: core('turn'),
    find: "if (op === 'transfer' || op === 'release') this.s.unsure = true;",
    replace: "if (op === 'transfer' || op === 'release') this.s.unsure = false;",
  },
  {
    name: 'unrecorded-child-is-capped',
    rule: 'rule 10: an unrecorded id of a later term outranks its parent',
    file: core('lineage'),
    find: 'if (unrecorded > (record.lineage[parent]?.term ?? 0)) {',
    replace: 'if (unrecorded < 0) {',
  },
  {
    name: 'aof-is-unknown',
    rule: 'rule 11: the recorded dataset ranks an AOF restart',
    file: core('lineage'),
    find: 'if (isWhole) {',
    replace: 'if (isWhole) {\n    if (index > -9) return { index: 0, offset: 0 };',
  },
  {
    name: 'no-one-acquires-for-others',
    rule: 'rule 13: an ineligible candidate acquires for an eligible member',
    file: core('acquire'),
    find: "  if (best === undefined || best.uid === self.uid) return no('this member is not eligible');",
    replace:
      "  if (best === undefined || best.uid !== '') return no('this member is not eligible');",
  },
  {
    name: 'mirrors-are-not-read',
    rule: 'rule 15: a recreated Lease starts from the newest copy',
    file: core('view'),
    find: '  if (newest !== undefined) return { ...base, ...mirroredRecord(state, newest.mirror) };\n',
    replace: '',
  },
  {
    name: 'deleted-lease-is-forgotten',
    rule: 'rule 15: the term is the highest seen',
    file: core('view'),
    find: "  return state.lease.kind === 'absent' ? state.lease.last : leaseOf(state);",
    replace: '  return leaseOf(state);',
  },
  {
    name: 'failsafe-asks-nobody',
    rule: 'rule 20: all candidates promise',
    file: core('failsafe'),
    find: 'return promise?.agentId === s.config.self.agentId && promise.round === round;',
    replace: 'return promise !== null;',
  },
  {
    name: 'promises-are-broken',
    rule: 'DESIGN 4: "I will not acquire for L"',
    file: core('acquire'),
    find: 'if (state.promise !== null && state.promise.until > state.now) {',
    replace: 'if (state.promise !== null && state.promise.until < 0) {',
  },
  {
    name: 'nominee-is-valid-from-now',
    rule: 'rule 21: validity runs from the report that the swap was based on',
    file: core('rows-following'),
    find: 's.validUntil = Math.max(s.validUntil, lease.record.basisMs + s.config.timing.validityMs);',
    replace: 's.validUntil = s.now + 2 * s.config.timing.validityMs;',
  },
  {
    name: 'attach-to-any-master',
    rule: "rule 23: attach only where the target shows the record's id",
    file: 'agent/effects.ts',
    find: "if (target.instance.role !== 'master' || target.instance.replid !== replid) {",
    replace: "if (target.instance.role !== 'master') {",
  },
  {
    name: 'attach-to-an-older-term',
    rule: "rule 23: attach only if the record's newest id has this term",
    file: core('rows-following'),
    find: 'if (newest === undefined || newest.term !== lease.term) return;',
    replace: 'if (newest === undefined) return;',
  },
  {
    name: 'restarted-holder-does-not-doubt',
    rule: 'rule 6: another run id promotes only if every fresher dataset reports',
    file: core('rows-deciding'),
    find: 'const mustDoubt = !isListed && !isJudged && lease.record.candidates.length > 0;',
    replace: 'const mustDoubt = false;',
  },
  {
    name: 'restarted-nominee-does-not-doubt',
    rule: 'rule 6, also where the giver decided: it judged another process',
    file: core('rows-deciding'),
    find: 'const isJudged = record.decided && candidateOf(s) === null;',
    replace: 'const isJudged = record.decided;',
  },
  {
    name: 'no-guard',
    rule: 'DESIGN 5: guarded promotion',
    file: 'test/sim/redis-adapters.ts',
    find: 'const GUARD_REPLICAS = 1_000_000;',
    replace: 'const GUARD_REPLICAS = 0;',
  },
  {
    name: 'cold-start-does-not-wait',
    rule: 'DESIGN 6.6: expected members are heard first',
    file: core('acquire'),
    find: '  if (unheard.length > 0) return `waiting to hear from ${named(unheard)}`;\n',
    replace: '',
  },
  {
    name: 'empty-may-lead',
    rule: 'rule 14: an empty dataset only if nobody has data',
    file: core('election'),
    find: '.filter(({ position }) => !anyData || hasData(position));',
    replace: '.filter(({ position }) => !anyData || position.index >= -1);',
  },
  {
    name: 'unsynced-candidates',
    rule: 'rule 22 and ADR 5: candidates are linked and synced',
    file: core('record'),
    find: 'return peer.report.inSync && peer.report.instance?.replid === replid;',
    replace: "return peer.report.instance !== null && replid !== '';",
  },
  {
    name: 'old-instance-stays-frozen',
    rule: 'rule 23: frozen is reported only while really in limbo',
    file: core('learn'),
    find: '    if (!isLimbo(redis.instance)) s.frozenTerm = null;\n    s.redis = redis;',
    replace: '    s.redis = redis;',
  },
  {
    name: 'nobody-freezes-on-a-new-term',
    rule: 'table: seen term > frozen term → limbo',
    file: core('rows-following'),
    find: '  if (upstream === null) return false;\n  const holder',
    replace: '  if (upstream === null || s.now > 0) return false;\n  const holder',
  },
  {
    name: 'attachments-go-on-in-a-new-term',
    rule: 'table: seen term > frozen term → limbo, also while it is being attached',
    file: core('rows-following'),
    find: "if (pendingRedis?.kind === 'attach') return attachment?.host ?? null;",
    replace: "if (pendingRedis?.kind === 'attach' && attachment !== null) return null;",
  },
  {
    name: 'foreign-holder-goes-on',
    rule: 'table: foreign → Fencing',
    file: core('view'),
    find: 'return !isHolder(state) || seenTerm(state) > lease.term;',
    replace: 'return state.now < 0;',
  },
  {
    name: 'master-without-lease-is-left',
    rule: 'table: Fenced or Following and master → limbo',
    file: core('rows-following'),
    find: "  if (instance?.role === 'master') {\n    turn.limbo({ cutClients: true });\n    turn.enter('Fenced', 'this Redis is master without",
    replace:
      "  if (instance?.role === 'master' && s.now < 0) {\n    turn.limbo({ cutClients: true });\n    turn.enter('Fenced', 'this Redis is master without",
  },
  {
    name: 'origin-is-not-recorded',
    rule: 'ADR 6: what is promoted is recorded before',
    file: core('rows-deciding'),
    find: 'if (self !== null && !isKnown(record, instance.replid)) {',
    replace: 'if (self !== null && instance.replid === record.lineage[-1]?.replid) {',
  },
  {
    name: 'watch-tells-who-is-gone',
    rule: 'DESIGN 4: all are gone by the API server, not by a watch that may lag',
    file: core('acquire'),
    find: '    if (lookFor.length > 0) {',
    replace: '    if (lookFor.length < 0) {',
  },
  {
    name: 'young-agents-are-sure',
    rule: 'rule 6: an agent younger than 1 s waits for candidates that it has not heard',
    file: core('rows-deciding'),
    find: 'const YOUNG_MS = 1000;',
    replace: 'const YOUNG_MS = 0;',
  },
  {
    name: 'confirmed-writes-are-not-waited-for',
    rule: 'DESIGN 6.4: frozen offsets of R - n + 1 of R replicas',
    file: core('rows-deciding'),
    find: '    if (!isConfirmed(turn, lease.term)) return;\n',
    replace: '',
  },
  {
    name: 'only-candidates-confirm',
    rule: 'DESIGN 6.4 and rule 12: who was recorded in order to attach may confirm writes',
    file: core('confirmation'),
    find: 'record.datasets[name]?.volume === volume,',
    replace: "record.datasets[name]?.volume === volume && name === '',",
  },
  {
    name: 'restarted-confirmers-count',
    rule: 'DESIGN 6.4: a process that restarted may have lost what it confirmed',
    file: core('confirmation'),
    find: 'pod === name && heard.get(name) === runId',
    replace: "pod === name && heard.has(name) && runId !== ''",
  },
  {
    name: 'older-agents-acquire',
    rule: 'DESIGN 4, 11: agents of an older protocol follow, never acquire',
    file: core('acquire'),
    find: '  if (newer !== null && !isForced(state)) {',
    replace: '  if (newer !== null && state.now < 0) {',
  },
  {
    name: 'frozen-is-not-killed',
    rule: 'DESIGN 5: --kill-frozen: dead before it can acknowledge what was queued',
    file: core('kill'),
    find: '  turn.kill(last.runId,',
    replace: "  if (why === '') turn.kill(last.runId,",
  },
  {
    name: 'labels-by-everybody',
    rule: 'DESIGN 11: the holder owns all role labels',
    file: core('labels'),
    find: "if (state.phase !== 'Leading' || localInstance(state)?.role !== 'master') return [];",
    replace: 'if (localInstance(state) === null) return [];',
  },
];
