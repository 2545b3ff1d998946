// The unmodified openai package for Node: its forms hold the members in the order in which they were written.
import { File } from "node:buffer";
import OpenAI, { toFile } from "openai";

globalThis.File ??= File; // Node 18, which Debian 12 has, keeps it there

const answer = await new OpenAI({ maxRetries: 0 }).audio.transcriptions.create({
  file: await toFile(Buffer.from("RIFF"), "a.wav"),
  model: "gpt",
  prompt: "from node",
});
console.log(answer.text);
