// The unmodified openai package for Node, configured by its own environment variables: node matrix.mjs VERB [TEXT].
import OpenAI from "openai";

const [verb, text] = process.argv.slice(2);
const client = new OpenAI({ maxRetries: 0 });
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "get_weather", description: "Weather now", parameters: schema } }];
const create = (messages, more) => client.chat.completions.create({ model: "gpt", messages, ...more });

const verbs = {
  async plain() {
    return (await create([{ role: "user", content: text }])).choices[0].message.content;
  },
  async stream() {
    const pieces = [];
    for await (const chunk of await create([{ role: "user", content: text }], { stream: true }))
      if (chunk.choices[0]?.delta?.content) pieces.push(chunk.choices[0].delta.content);
    return pieces;
  },
  async tools() {
    const messages = [{ role: "user", content: text }];
    const { message } = (await create(messages, { tools })).choices[0];
    const [call] = message.tool_calls;
    messages.push(message, { role: "tool", tool_call_id: call.id, content: "4 degrees" });
    const last = (await create(messages, { tools })).choices[0].message.content;
    return [call.function.name, JSON.parse(call.function.arguments), last];
  },
  async structured() {
    const response_format = { type: "json_schema", json_schema: { name: "capital", strict: true, schema } };
    const answer = await create([{ role: "user", content: "capital of Norway?" }], { response_format });
    return JSON.parse(answer.choices[0].message.content).city;
  },
  async image() {
    const url = "data:image/png;base64," + text;
    const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url } }];
    return (await create([{ role: "user", content }])).choices[0].message.content;
  },
  async refusal() {
    try {
      await client.chat.completions.create({ model: "nobody", messages: [{ role: "user", content: "x" }] });
    } catch (error) {
      if (error instanceof OpenAI.NotFoundError) return error.code;
      throw error;
    }
  },
};

console.log(JSON.stringify(await verbs[verb]()));
