// The page: files, the question, its answer. Everything that comes from outside is put in as text, never as HTML.

import { $, bytes, make } from "./nodes.js";
import { Microphone } from "./microphone.js";
import { Speech } from "./speech.js";
import { TEXTS, preferred } from "./texts.js";
import { clock, withTimes } from "./times.js";

const files = []; // {id, name, kind, size, seconds, long, url, spoken}
const earlier = []; // {by, text}: the conversation so far, in words
let settings = { voices: [], voice: null, most: Infinity };
let language = sessionStorage.getItem("language") ?? preferred(navigator.languages);
let underWay = null; // {abort, speech} while an answer comes
const microphone = new Microphone();
let uploading = 0;

const t = (name) => TEXTS[language][name];

// --- Words

function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  $("question").placeholder = t("placeholder");
  $("language").textContent = t("other");
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  const idea = (text) => make("button", { type: "button", textContent: text, onclick: () => suggest(text) });
  $("ideas").replaceChildren(...t("ideas").map((text) => make("li", {}, idea(text))));
  showVoices();
  showRecording();
  showFiles();
}

function suggest(text) {
  $("question").value = text;
  $("question").focus();
}

function showVoices() {
  const chosen = $("voice").value || settings.voice || "";
  const option = ({ name, language: tongue, zh }) => {
    const words = language === "zh" ? [name, ...zh] : [name, tongue];
    return make("option", { value: name, textContent: words.filter(Boolean).join(" · ") });
  };
  $("voice").replaceChildren(make("option", { value: "", textContent: t("silent") }), ...settings.voices.map(option));
  $("voice").value = chosen;
}

// --- Files

function showFiles() {
  $("drop").classList.toggle("small", files.length > 0);
  document.querySelector("label[for=file]").textContent = files.length ? t("more") : t("choose");
  $("files").replaceChildren(
    ...files.map((file) => {
      const length = file.seconds ? clock(file.seconds) : null;
      const facts = [bytes(file.size, language), length, file.long ? t("long") : null].filter(Boolean).join(" · ");
      const away = make("button", { type: "button", className: "quiet", textContent: "✕", onclick: () => remove(file) });
      away.setAttribute("aria-label", t("remove")(file.name));
      const name = make("span", { className: "name", textContent: file.name, title: file.name });
      return make("li", {}, name, make("span", { className: "facts", textContent: facts }), away);
    }),
  );
  const shown = files.find((file) => file.kind === "video") ?? files.find((file) => !file.spoken);
  const player = $("player").firstElementChild;
  if (player?.dataset.id === shown?.id) return;
  $("player").replaceChildren();
  if (!shown) return;
  const tag = { video: "video", audio: "audio", image: "img" }[shown.kind];
  const node = make(tag, shown.kind === "image" ? { alt: shown.name } : { controls: true, preload: "metadata" });
  if (shown.kind === "video") node.playsInline = true;
  node.dataset.id = shown.id;
  node.src = shown.url;
  $("player").append(node);
}

/** Send a file; XMLHttpRequest, since fetch does not tell how far an upload is. */
function send(file, name, moved) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/uploads?name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => moved(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(request.response ?? {}));
    request.onerror = () => reject({ broken: true });
    request.send(file);
  });
}

async function add(file, name, spoken = false) {
  if (file.size > settings.most) {
    report({ title: t("large"), message: t("tooLarge")(bytes(settings.most, language)) });
    return;
  }
  const bar = make("progress", { max: 1, value: 0 });
  const row = make("li", {}, make("span", { className: "name", textContent: name }), bar);
  $("files").append(row);
  busy(+1);
  try {
    const facts = await send(file, name, (part) => (bar.value = part));
    files.push({ ...facts, url: URL.createObjectURL(file), spoken });
  } catch (failure) {
    report(worded(failure));
  } finally {
    row.remove();
    busy(-1);
    showFiles();
  }
}

function busy(step) {
  uploading += step;
  $("ask").disabled = uploading > 0;
}

function remove(file) {
  files.splice(files.indexOf(file), 1);
  URL.revokeObjectURL(file.url);
  fetch(`/uploads/${file.id}`, { method: "DELETE", keepalive: true }).catch(() => {});
  showFiles();
}

async function addAll(list) {
  for (const file of list) await add(file, file.name);
}

// --- The microphone

function showRecording() {
  $("record").setAttribute("aria-pressed", String(microphone.isOn));
  const words = t(microphone.isOn ? "recording" : "record");
  $("record").querySelector("span").textContent = microphone.isOn ? `${words} ${clock(microphone.seconds)}` : words;
  $("record").setAttribute("aria-label", words);
  $("record").title = words;
}

async function record() {
  try {
    const file = await microphone.press(showRecording);
    if (file) await add(file, `${t("record")}.${microphone.ending(file)}`, true);
  } catch {
    report({ title: t("noMicrophone"), message: "" });
  }
}

// --- What goes wrong

function worded(failure) {
  if (!failure.kinds) return { title: failure.broken ? t("broken") : t("failed"), message: "" };
  const title = failure.kinds.map((kind) => t("errors")[kind]).find(Boolean) ?? t("failed");
  return { title, message: failure.message };
}

function errorNode({ title, message }) {
  const node = make("div", { className: "error" }, make("strong", { textContent: title }));
  node.setAttribute("role", "alert");
  const same = message.toLowerCase().replace(/\W/g, "") === title.toLowerCase().replace(/\W/g, "");
  if (message && !(same && language === "en")) {
    node.append(make("span", { className: "detail", lang: "en", textContent: message }));
  }
  return node;
}

function report(failure) {
  $("empty").hidden = true;
  $("log").append(errorNode(failure));
  follow(true);
}

// --- Question and answer

function follow(always) {
  const log = $("log");
  if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 120) log.scrollTop = log.scrollHeight;
  if (always) log.lastElementChild?.scrollIntoView({ block: "nearest" });
}

function player() {
  const node = $("player").firstElementChild;
  return node instanceof HTMLMediaElement ? node : null;
}

function timeLink(text, seconds) {
  const link = make("a", { href: `#t=${seconds}`, className: "time", textContent: text });
  link.setAttribute("aria-label", t("seek")(text));
  link.onclick = (event) => {
    event.preventDefault();
    const media = player();
    if (!media) return;
    media.currentTime = seconds;
    media.scrollIntoView({ block: "nearest" });
    media.play().catch(() => {});
  };
  return link;
}

/** Put times in as links, where there is something to seek. */
function linked(text) {
  const duration = files.find((file) => file.id === player()?.dataset.id)?.seconds;
  if (!duration) return [text];
  return withTimes(text, duration).map((part) => (part.seconds === undefined ? part.text : timeLink(part.text, part.seconds)));
}

class Turn {
  constructor(question) {
    this.text = "";
    this.answer = make("div", { className: "answer" });
    this.below = make("div", { className: "below waiting" });
    const mine = make("p", { className: "mine", textContent: question });
    this.node = make("article", { className: "turn" }, mine, this.answer, this.below);
    $("empty").hidden = true;
    $("log").append(this.node);
    follow(true);
  }

  take(event) {
    switch (event.type) {
      case "text":
        this.text += event.text;
        this.answer.append(event.text);
        break;
      case "speech":
        underWay.speech.feed(event.pcm, event.rate);
        $("quiet").hidden = !underWay.speech.isPlaying;
        break;
      case "progress":
        this.progress(event);
        break;
      case "moments":
        this.moments(event.moments);
        break;
      case "missing": {
        const spans = event.spans.map(({ start, end }) => `${clock(start)}–${clock(end)}`).join(", ");
        this.answer.after(make("p", { className: "note", textContent: t("missing")(spans), title: event.message }));
        break;
      }
      case "error":
        this.answer.after(errorNode(worded(event)));
        this.failed = true;
    }
    follow(false);
  }

  progress({ done, total }) {
    this.bar ??= make("progress");
    this.words ??= make("span");
    this.bar.max = total;
    this.bar.value = done;
    this.words.textContent = t("windows")(done, total);
    this.bar.setAttribute("aria-label", this.words.textContent);
    if (!this.bar.parentNode) this.below.append(make("div", { className: "progress" }, this.words, this.bar));
  }

  moments(list) {
    if (!this.text) this.answer.append(make("span", { className: "note", textContent: t("nowhere") }));
    const row = ({ start, what }) => make("li", {}, timeLink(clock(start), start), ` ${what}`);
    if (list.length) this.answer.after(make("ul", { className: "moments" }, ...list.map(row)));
  }

  end(speech) {
    this.below.classList.remove("waiting");
    if (this.text) this.answer.replaceChildren(...linked(this.text));
    const wav = speech.wav();
    if (wav) {
      const audio = make("audio", { controls: true, src: URL.createObjectURL(wav) });
      audio.setAttribute("aria-label", t("speech"));
      audio.onplay = () => speech.hush();
      this.below.append(audio);
    }
    this.node.dataset.done = "";
    follow(false);
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

async function ask(event) {
  event.preventDefault();
  const question = $("question").value.trim();
  if (underWay || uploading) return;
  const spoken = files.filter((file) => file.spoken);
  const turn = new Turn(question || (spoken.length ? t("heard") : t("looking")(files.map((file) => file.name).join(", "))));
  const speech = new Speech(() => ($("quiet").hidden = true));
  underWay = { abort: new AbortController(), speech };
  $("question").value = "";
  answering(true);
  let ended = false;
  try {
    const response = await fetch("/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, files: files.map((file) => file.id), voice: $("voice").value || null, earlier }),
      signal: underWay.abort.signal,
    });
    if (!response.ok) throw await response.json().catch(() => ({}));
    for await (const each of lines(response.body)) {
      ended ||= each.type === "end" || each.type === "error";
      turn.take(each);
    }
    if (!ended) throw { broken: true };
    if (!turn.failed) earlier.push({ by: "user", text: question }, { by: "model", text: turn.text });
  } catch (failure) {
    turn.failed = true;
    const stopped = failure?.name === "AbortError";
    if (stopped) turn.answer.after(make("p", { className: "note", textContent: t("stopped") }));
    else turn.answer.after(errorNode(worded(failure instanceof Error ? { broken: true } : failure)));
  } finally {
    underWay = null;
    turn.end(speech);
    answering(false);
    if (turn.failed) $("question").value ||= question;
    else spoken.forEach(remove);
  }
}

function answering(on) {
  $("ask").hidden = on;
  $("stop").hidden = !on;
  $("log").setAttribute("aria-busy", String(on));
  if (!on && matchMedia("(hover: hover)").matches) $("question").focus({ preventScroll: true }); // no keyboard on phones
}

// --- What is pressed, dropped and pasted

let last = null;
$("form").onsubmit = (event) => {
  last?.hush();
  const asked = ask(event);
  last = underWay?.speech ?? last;
  return asked;
};
$("question").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("form").requestSubmit();
  }
};
$("stop").onclick = () => {
  underWay?.speech.hush();
  underWay?.abort.abort();
};
$("quiet").onclick = () => last?.hush();
$("record").onclick = record;
$("file").onchange = async () => {
  const chosen = [...$("file").files];
  $("file").value = "";
  await addAll(chosen);
};
$("language").onclick = () => {
  language = language === "zh" ? "en" : "zh";
  sessionStorage.setItem("language", language);
  speak();
};
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
document.addEventListener("dragleave", () => $("drop").classList.remove("over"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  await addAll([...event.dataTransfer.files]);
});
document.addEventListener("paste", async (event) => addAll([...(event.clipboardData?.files ?? [])]));
window.addEventListener("pagehide", () => files.forEach((file) => fetch(`/uploads/${file.id}`, { method: "DELETE", keepalive: true })));

speak();
try {
  settings = await (await fetch("/settings")).json();
  $("model").textContent = settings.model;
  $("demo").hidden = !settings.demo;
  showVoices();
} catch {
  report({ title: t("broken"), message: "" });
}
document.documentElement.dataset.ready = "";
