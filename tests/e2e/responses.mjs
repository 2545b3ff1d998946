// The unmodified openai package for Node, configured by its own environment variables.
import OpenAI from "openai";

const stream = await new OpenAI({ maxRetries: 0 }).responses.create({
  model: "gpt",
  stream: true,
  input: "hello from node",
});
let text = "";
let last;
for await (const event of stream) {
  if (event.type === "response.output_text.delta") text += event.delta;
  last = event;
}
console.log(text);
console.log(last.response.status, last.response.output[0].content[0].text);
