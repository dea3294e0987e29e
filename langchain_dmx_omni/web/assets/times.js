// Times in a text: 0:14, 1:02:03, 14.0 s, 14 秒, 1 分 02 秒. Pure.

const TIME = new RegExp(
  [
    String.raw`(?<![\d:.])(?:(?<h>\d{1,2}):)?(?<m>\d{1,3}):(?<s>[0-5]\d(?:\.\d+)?)(?![\d:])`,
    String.raw`(?<![\d:.])(?<zm>\d{1,3})\s?分钟?\s?(?<zs>\d{1,2}(?:\.\d+)?)\s?秒`,
    String.raw`(?<![\d:.])(?<n>\d+(?:\.\d+)?)\s?(?:(?:s|sec|secs|seconds?)\b|秒)`,
  ].join("|"),
  "g",
);

/** Split a text into {text} and {text, seconds}; times behind the end of the recording are text. */
export function withTimes(text, duration) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TIME)) {
    const { h = 0, m, s, zm, zs, n } = match.groups;
    const seconds = n !== undefined ? Number(n) : Number(h) * 3600 + Number(m ?? zm) * 60 + Number(s ?? zs);
    if (seconds > duration + 0.5) continue;
    if (match.index > at) parts.push({ text: text.slice(at, match.index) });
    parts.push({ text: match[0], seconds });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
}

/** 14 → 0:14, 3723 → 1:02:03 */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
