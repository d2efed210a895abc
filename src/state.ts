// The body of GET /state (docs/state.schema.json): what the agent tells of itself, and the group as it sees it.

import type { GroupView } from './group-view.ts';
import type { AgentReport } from './wire.ts';

export type State = AgentReport & { readonly view: GroupView };
