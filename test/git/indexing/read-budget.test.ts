import { expect, test } from "vitest";
import { BudgetSpent, createReadBudget } from "../../../src/git/indexing/read-budget.ts";

test("readers share the budget, and what one gives back is another's", () => {
  const budget = createReadBudget(10);
  const [one, two] = [budget.share(), budget.share()];
  one.take(6);
  two.take(4);
  expect(budget.isSpent()).toBe(true);
  expect(() => two.take(1)).toThrow(BudgetSpent);
  one.giveBack();
  expect(budget.isSpent()).toBe(false);
  two.take(6);
});

test("one that is alone is never turned away", () => {
  const budget = createReadBudget(10);
  const one = budget.share();
  one.take(50);
  one.take(50);
  expect(() => budget.share().take(0)).toThrow(BudgetSpent);
  one.giveBack();
  budget.share().take(11);
});
