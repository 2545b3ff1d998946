// The unmodified openai package for Node, configured by its own environment variables.
import OpenAI from "openai";

const stream = await new OpenAI({ maxRetries: 0 }).chat.completions.create({
  model: "gpt",
  stream: true,
  messages: [{ role: "user", content: "hello from node" }],
});
let text = "";
for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
console.log(text);
