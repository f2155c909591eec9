// Lists in the order of a text: where one stands, or would.

/** The first place from `from` on whose text is not before `text`. Logarithmic. */
export function placeIn<T>(list: readonly T[], text: string, textOf: (item: T) => string, from = 0): number {
  let [low, high] = [from, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (textOf(list[middle]!) < text) low = middle + 1
    else high = middle
  }
  return low
}
