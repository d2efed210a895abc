// Many questions, some at once: one that waits for its turn behind others would be taken for one without an answer.

const AT_ONCE = 8;

/** The answers in the order of the questions. */
export async function inTurn<Q, A>(
  questions: readonly Q[],
  ask: (question: Q) => Promise<A>,
): Promise<readonly A[]> {
  const answers: A[] = [];
  for (let at = 0; at < questions.length; at += AT_ONCE) {
    answers.push(...(await Promise.all(questions.slice(at, at + AT_ONCE).map(ask))));
  }
  return answers;
}
