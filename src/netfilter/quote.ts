// Quoting of free text in a rule, as iptables-save writes it: bare when it is made of letters, digits, `_` and `-` only,
// else within double quotes with `"`, `\` and `'` escaped by a backslash.

const PLAIN = /^[-_0-9a-zA-Z]+$/

/**
 * Free text (a comment, a log prefix) as one word of a rule.
 *
 * @example quote('SSH') // 'SSH'
 * @example quote('default/db:main') // '"default/db:main"'
 */
export function quote(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/["\\']/g, '\\$&')}"`
}
