// What decode_chat_request promises: an index that agrees with every other JSON reader, or a refusal that says why.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "providers/call.h"

namespace tollgate::providers {
namespace {

Result<Call> decode(std::string body) {
  return decode_chat_request(std::make_shared<const std::string>(std::move(body)));
}

std::string with(std::string_view members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + std::string(members) + "}";
}

std::string with_message(std::string_view message) {
  return R"({"model":"m","messages":[)" + std::string(message) + "]}";
}

std::string_view at(const Call& call, Span span) {
  return std::string_view(*call.body).substr(span.offset, span.length);
}

std::vector<std::string> texts(const Call& call) {
  std::vector<std::string> out;
  for (const auto& field : call.index.texts) out.push_back(unescape_json(at(call, field.span)));
  return out;
}

struct Refused {
  std::string body;
  std::string code;
  std::string param;
};

class RefusesTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusesTest, WithCodeAndParam) {
  const auto call = decode(GetParam().body);
  ASSERT_FALSE(call) << GetParam().body;
  EXPECT_EQ(call.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(call.error().code, GetParam().code) << call.error().message;
  EXPECT_EQ(call.error().param, GetParam().param) << call.error().message;
  EXPECT_FALSE(call.error().message.empty());
  EXPECT_FALSE(call.error().retryable);
}

INSTANTIATE_TEST_SUITE_P(
    Parameters, RefusesTest,
    testing::Values(
        Refused{"{}", "missing_required_parameter", "model"},
        Refused{R"({"model":"m"})", "missing_required_parameter", "messages"},
        Refused{R"({"messages":[{"role":"user"}]})", "missing_required_parameter", "model"},
        Refused{R"({"model":"","messages":[{"role":"user"}]})", "invalid_value", "model"},
        Refused{R"({"model":7,"messages":[{"role":"user"}]})", "invalid_type", "model"},
        Refused{R"({"model":"m","messages":[]})", "empty_array", "messages"},
        Refused{R"({"model":"m","messages":"hi"})", "invalid_type", "messages"},
        Refused{with_message("7"), "invalid_type", "messages[0]"},
        Refused{with_message(R"({"content":"x"})"), "missing_required_parameter", "messages[0].role"},
        Refused{with_message(R"({"role":7})"), "invalid_type", "messages[0].role"},
        Refused{with_message(R"({"role":"owner"})"), "invalid_value", "messages[0].role"},
        Refused{with_message(R"({"role":"user"},{"role":"user","content":5})"), "invalid_type", "messages[1].content"},
        Refused{with_message(R"({"role":"user","content":["x"]})"), "invalid_type", "messages[0].content[0]"},
        Refused{with_message(R"({"role":"user","content":[{"text":"x"}]})"), "missing_required_parameter",
                "messages[0].content[0].type"},
        Refused{with_message(R"({"role":"user","content":[{"type":"text"}]})"), "missing_required_parameter",
                "messages[0].content[0].text"},
        Refused{with_message(R"({"role":"user","content":[{"type":1}]})"), "invalid_type",
                "messages[0].content[0].type"},
        Refused{with_message(R"({"role":"assistant","tool_calls":{}})"), "invalid_type", "messages[0].tool_calls"},
        Refused{with(R"(,"stream":"true")"), "invalid_type", "stream"},
        Refused{with(R"(,"stream":1)"), "invalid_type", "stream"},
        Refused{with(R"(,"stream_options":{})"), "unsupported_value", "stream_options"},
        Refused{with(R"(,"stream":false,"stream_options":{})"), "unsupported_value", "stream_options"},
        Refused{with(R"(,"stream":true,"stream_options":[])"), "invalid_type", "stream_options"},
        Refused{with(R"(,"stream":true,"stream_options":{"include_usage":1})"), "invalid_type",
                "stream_options.include_usage"},
        Refused{with(R"(,"n":0)"), "integer_below_min_value", "n"},
        Refused{with(R"(,"n":129)"), "integer_above_max_value", "n"}, Refused{with(R"(,"n":1.5)"), "invalid_type", "n"},
        Refused{with(R"(,"n":"2")"), "invalid_type", "n"},
        Refused{with(R"(,"max_tokens":-1)"), "integer_below_min_value", "max_tokens"},
        Refused{with(R"(,"max_tokens":1e308)"), "invalid_type", "max_tokens"},
        Refused{with(R"(,"max_tokens":18446744073709551617)"), "invalid_type", "max_tokens"},
        Refused{with(R"(,"max_tokens":"5")"), "invalid_type", "max_tokens"},
        Refused{with(R"(,"max_completion_tokens":0)"), "integer_below_min_value", "max_completion_tokens"},
        Refused{with(R"(,"max_completion_tokens":99999999999)"), "integer_above_max_value", "max_completion_tokens"},
        Refused{"[1]", "invalid_type", ""}, Refused{"null", "invalid_type", ""}));

INSTANTIATE_TEST_SUITE_P(
    DuplicateKeys, RefusesTest,
    testing::Values(
        Refused{with(R"(,"model":"other")"), "duplicate_key", ""},
        Refused{with(R"(,"mod\u0065l":"other")"), "duplicate_key", ""},
        Refused{R"({"str\u0065am":true,"model":"m","stream":false,"messages":[{"role":"user"}]})", "duplicate_key", ""},
        Refused{with(R"(,"x":1,"x":2)"), "duplicate_key", ""},
        Refused{with(R"(,"stream":true,"stream_options":{"a":1,"a":2})"), "duplicate_key", "stream_options"},
        Refused{with(R"(,"tools":[{"function":{"name":"a","name":"b"}}])"), "duplicate_key", "tools[0].function"},
        Refused{with(R"(,"response_format":{"json_schema":{"name":"a","name":"b"}})"), "duplicate_key", "json_schema"},
        Refused{with_message(R"({"role":"user","role":"user"})"), "duplicate_key", "messages[0]"},
        Refused{with_message(R"({"role":"user","content":[{"type":"text","text":"a","text":"b"}]})"), "duplicate_key",
                "messages[0].content[0]"},
        Refused{with_message(R"({"role":"assistant","tool_calls":[{"id":"a","id":"b"}]})"), "duplicate_key",
                "messages[0].tool_calls[0]"},
        Refused{with_message(R"({"role":"assistant","tool_calls":[{"function":{"name":"a","name":"b"}}]})"),
                "duplicate_key", "messages[0].tool_calls[0].function"}));

std::string nested(std::size_t depth) { return with(",\"x\":" + std::string(depth, '[') + std::string(depth, ']')); }

INSTANTIATE_TEST_SUITE_P(MalformedJson, RefusesTest, testing::ValuesIn([] {
                           std::vector<Refused> out;
                           const std::string raw[] = {"",
                                                      "{",
                                                      R"({"model":"m",})",
                                                      with(",") + " ",
                                                      with(R"(,"x":)"),
                                                      with(R"(,"x" 1)"),
                                                      with(R"(,x:1)"),
                                                      with(R"(,"x":[1,])"),
                                                      with(R"(,"x":[1 2])"),
                                                      with(R"(,"x":{"a":1 "b":2})"),
                                                      with(R"(,"x":01)"),
                                                      with(R"(,"x":1.)"),
                                                      with(R"(,"x":.5)"),
                                                      with(R"(,"x":+1)"),
                                                      with(R"(,"x":1e)"),
                                                      with(R"(,"x":-)"),
                                                      with(R"(,"x":NaN)"),
                                                      with(R"(,"x":Infinity)"),
                                                      with(R"(,"x":tru)"),
                                                      with(R"(,"x":nul)"),
                                                      with(R"(,"x":truefalse)"),
                                                      with(R"(,"x":/*c*/1)"),
                                                      with(R"(,"x":'a')"),
                                                      with(R"(,"x":"\x")"),
                                                      with(R"(,"x":"\u12g4")"),
                                                      with(R"(,"x":"\ud800")"),
                                                      with(R"(,"x":"\ud800\u0041")"),
                                                      with(R"(,"x":"\ud83dx")"),
                                                      with(R"(,"x":"\udc00")"),
                                                      with(R"(,"x\ud800":1)"),
                                                      with(",\"x\":\"a\nb\""),
                                                      with(std::string(",\"x\":\"a\0b\"", 9)),
                                                      with(R"(,"x":"open)"),
                                                      with(R"(,"stream":truex)"),
                                                      with("") + "x",
                                                      with("") + "{}",
                                                      "\xEF\xBB\xBF" + with(""),
                                                      with(",\"x\":\"\xC0\xAF\""),
                                                      with(",\"x\":\"\xED\xA0\x80\""),
                                                      with(",\"x\":\"\xFF\""),
                                                      with(",\"x\":\"\xE2\x82\""),
                                                      nested(64),
                                                      nested(1000)};
                           for (const auto& body : raw) out.push_back({body, "invalid_json", ""});
                           return out;
                         }()));

TEST(ChatRequest, IndexesModelStreamAndLimits) {
  const auto call = decode(
      R"( { "n" : 3, "stream":true,"stream_options":{"include_usage":true}, "max_tokens":7,"max_completion_tokens":9,)"
      R"("model" : "gpt-\u00e9", "messages":[{"role":"user","content":"hi"}]} )");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->index.model_name, "gpt-é");
  EXPECT_EQ(at(*call, call->index.model), R"("gpt-\u00e9")");
  EXPECT_TRUE(call->index.stream);
  EXPECT_TRUE(call->index.include_usage);
  EXPECT_EQ(at(*call, *call->index.include_usage_value), "true");
  EXPECT_EQ(at(*call, *call->index.stream_options), R"({"include_usage":true})");
  EXPECT_EQ(call->index.max_tokens, 9);
  EXPECT_EQ(call->index.n, 3);
  EXPECT_EQ(call->index.first_member.offset, 2u);
}

TEST(ChatRequest, NullMeansAbsent) {
  const auto call =
      decode(with(R"(,"stream":null,"stream_options":null,"n":null,"max_tokens":null,"metadata":null,"tools":null)"));
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_FALSE(call->index.stream);
  EXPECT_FALSE(call->index.max_tokens.has_value());
  EXPECT_EQ(call->index.n, 1);
}

TEST(ChatRequest, IndexesEveryTextThatReachesAProvider) {
  const auto call = decode(R"({"model":"m","user":"ann","metadata":{"ticket":"T-1"},"messages":[
    {"content":"be kind","role":"developer"},
    {"role":"user","name":"bob","content":[{"text":"look","type":"text"},{"type":"image_url","image_url":{"url":"u"}}]},
    {"role":"assistant","content":null,"refusal":"no","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
      {"id":"c2","type":"custom","custom":{"name":"g","input":"free text"}}]},
    {"role":"assistant","function_call":{"name":"f","arguments":"{}"},"reasoning_content":"hm"},
    {"role":"tool","tool_call_id":"c1","content":"result"}],
    "tools":[{"type":"function","function":{"name":"f","description":"does f","parameters":{"description":"p"}}}],
    "prediction":{"type":"content","content":"guess"}})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(texts(*call), (std::vector<std::string>{"ann", "T-1", "be kind", "bob", "look", "no", "{\"a\":1}",
                                                    "free text", "{}", "hm", "result", "does f", "p", "guess"}));
  std::vector<Role> roles;
  std::size_t inside = 0;
  std::uint64_t bytes = 0;
  for (const auto& field : call->index.texts) {
    roles.push_back(field.role);
    inside += field.json_inside ? 1 : 0;
    bytes += field.span.length;
  }
  using enum Role;
  EXPECT_EQ(roles, (std::vector<Role>{other, other, system, user, user, assistant, assistant, assistant, assistant,
                                      assistant, tool, other, other, user}));
  EXPECT_EQ(inside, 2u);
  EXPECT_TRUE(call->index.texts[6].has_escapes);
  EXPECT_FALSE(call->index.texts[7].has_escapes);
  EXPECT_EQ(call->index.text_bytes, bytes);
  EXPECT_TRUE(call->index.opaque_parts);
}

// What people write into tools, schemas, stop sequences and metadata is read; what the answer is called by stays.
TEST(ChatRequest, IndexesTheTextOfDefinitionsAndNeverTheirNames) {
  const auto call = decode(with(R"(,"metadata":{"k":{"deep":["meta"]}},"stop":["end",7,"fin"],
    "tools":[{"type":"function","function":{"name":"NAME","strict":true,"description":"what it does","parameters":
      {"type":"object","properties":{"KEY":{"type":"string","enum":["a","b"],"description":"who \"it\" is"}},
       "examples":[{"KEY":["e",{"KEY":"f"}]}],"required":["KEY"]}}},
      {"type":"custom","custom":{"name":"NAME","format":{"type":"grammar","grammar":{"definition":"rule"}}}},
      {"type":"web_search","user_location":{"approximate":{"city":"Bonn"}}}],
    "functions":[{"name":"NAME","description":"old","parameters":{"const":"c"}}],
    "response_format":{"type":"json_schema","json_schema":{"name":"NAME","description":"form","schema":{"const":"d"}}})"));
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(texts(*call),
            (std::vector<std::string>{
                "hi", "meta", "end", "fin",     "what it does", "object", "string", "a", "b",    R"(who "it" is)",
                "e",  "f",    "KEY", "grammar", "rule",         "Bonn",   "old",    "c", "form", "d"}));
  EXPECT_FALSE(call->index.opaque_parts);
}

// Whatever replaces the texts lands inside their strings: the rest of the body, keys and names with it, stays.
TEST(ChatRequest, TextsOfDefinitionsAreReplacedInPlace) {
  const auto call =
      decode(with(R"(,"stop":"x\ty","tools":[{"function":{"name":"x","parameters":{"x":"x","y":{"x":["x"]}}}}])"));
  ASSERT_TRUE(call) << call.error().message;
  std::vector<Edit> edits;
  for (const auto& field : call->index.texts) edits.push_back({field.span, "T"});
  EXPECT_EQ(splice(*call->body, std::move(edits)),
            R"({"model":"m","messages":[{"role":"user","content":"T"}],"stop":"T",)"
            R"("tools":[{"function":{"name":"x","parameters":{"x":"T","y":{"x":["T"]}}}}]})");
}

TEST(ChatRequest, StopAndFormatsOfOtherKindsAreTheProvidersToJudge) {
  for (const char* members : {R"(,"stop":null)", R"(,"stop":7)", R"(,"response_format":"json")",
                              R"(,"response_format":{"type":"text"})", R"(,"response_format":{"json_schema":7})",
                              R"(,"tools":{"a":1})", R"(,"tools":[{"type":"function","function":null}])"})
    EXPECT_TRUE(decode(with(members))) << members;
}

TEST(ChatRequest, RefusesMoreTextsThanItWouldIndex) {
  std::string list = "[\"a\"";
  for (int i = 0; i < 262'144; ++i) list += ",\"a\"";
  const auto call = decode(with(R"(,"tools":[{"function":{"parameters":)" + list + "]}}]"));
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, "invalid_value");
}

TEST(ChatRequest, SignedReasoningIsReadLikeAnyText) {
  const auto call = decode(with_message(
      R"({"role":"assistant","content":"x","thinking_blocks":[{"type":"thinking","thinking":"Jane","signature":"U2ln"}]})"));
  ASSERT_TRUE(call);
  EXPECT_EQ(texts(*call), (std::vector<std::string>{"x", "Jane"}));
  const auto twice =
      decode(with_message(R"({"role":"assistant","thinking_blocks":[{"thinking":"a","thinking":"b"}]})"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, "duplicate_key");
}

TEST(ChatRequest, PlainTextHasNoOpaqueParts) {
  const auto call = decode(with_message(R"({"role":"user","content":[{"type":"text","text":"x"}]})"));
  ASSERT_TRUE(call);
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(ChatRequest, EveryPartNoScannerReadsIsReported) {
  for (const char* part :
       {R"({"type":"image_url","image_url":{"url":"u"}})", R"({"type":"input_audio","input_audio":{}})",
        R"({"type":"file","file":{"file_id":"f"}})", R"({"type":"hologram"})"}) {
    const auto call = decode(with_message(R"({"role":"user","content":[)" + std::string(part) + "]}"));
    ASSERT_TRUE(call) << part;
    EXPECT_TRUE(call->index.opaque_parts) << part;
  }
}

TEST(ChatRequest, AcceptsWhatJsonAllows) {
  for (const std::string& body :
       {with(R"(,"x":[1e400,-0,0.5e-3,123456789012345678901234567890,"\u0000","\ud83d\ude00",{},[],"\/"])"),
        with(R"(,"x":{"a":1,"a":2})"),  // not interpreted here, so not ours to refuse
        nested(63), "\t\r\n " + with("") + " \n"})
    EXPECT_TRUE(decode(body)) << body;
}

TEST(ChatRequest, RefusesMoreMembersThanItWouldCompare) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += ",\"k" + std::to_string(i) + "\":1";
  const auto call = decode(with(many));
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, "invalid_value");
}

TEST(ChatRequest, TakesTimeLinearInHostileInput) {
  std::string keys = "{\"a\":1";
  for (int i = 0; i < 100'000; ++i) keys += ",\"k" + std::to_string(i) + "\":{\"x\":[]}";
  std::string messages = R"({"model":"m","messages":[{"role":"user"})";
  for (int i = 0; i < 200'000; ++i) messages += R"(,{"role":"user","content":""})";
  for (const std::string& body : {with(",\"x\":" + keys + "}"), messages + "]}", std::string(1 << 20, '['),
                                  with(",\"x\":\"" + std::string(4 << 20, 'a') + "\"")}) {
    const auto begin = std::chrono::steady_clock::now();
    (void)decode(body);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(took, std::chrono::seconds(2)) << body.size();  // quadratic code would need minutes
  }
}

// The oracle: another parser, told to refuse what we refuse, sees the same model, stream and limits.
TEST(ChatRequest, AgreesWithAnotherParser) {
  const std::string members[] = {R"("model":"a\u0062c")",    R"("mod\u0065l":"x")",
                                 R"("stream":true)",         R"("stream":false)",
                                 R"("stream":null)",         R"("max_tokens":12)",
                                 R"("max_tokens":null)",     R"("max_tokens":2147483647)",
                                 R"("m\u0061x_tokens":5)",   R"("x":{"model":"y","stream":true})",
                                 R"("x":"\"model\":\"z\"")", R"(" model":"no")",
                                 R"("Model":"no")"};
  int accepted = 0;
  for (const auto& a : members)
    for (const auto& b : members)
      for (const auto& c : members) {
        const std::string body =
            "{" + a + " , " + b + ",\n" + c + R"(,"messages":[{"role":"user","content":"model"}]})";
        const auto call = decode(body);
        if (!call) continue;
        ++accepted;
        const auto other = nlohmann::json::parse(body);
        EXPECT_EQ(call->index.model_name, other.at("model").get<std::string>()) << body;
        EXPECT_EQ(call->index.stream, other.value("stream", nlohmann::json()) == true) << body;
        const auto max = other.value("max_tokens", nlohmann::json());
        EXPECT_EQ(call->index.max_tokens.has_value(), max.is_number()) << body;
        if (call->index.max_tokens) {
          EXPECT_EQ(*call->index.max_tokens, max.get<std::int64_t>()) << body;
        }
      }
  EXPECT_GT(accepted, 100);
}

// Every single-byte change of a good body is either refused by both parsers' rules or seen alike.
TEST(ChatRequest, NeverAcceptsWhatAnotherParserCallsMalformed) {
  const std::string good = with(R"(,"stream":true,"max_tokens":5,"x":[1.5e3,"\u00e9",null,{"a":"é"}])");
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char c : {'"', '\\', ',', ':', '{', '}', '[', ']', '0', 'e', 'u', ' ', '\n', '\x01', '\x80', '-'}) {
      std::string body = good;
      body[i] = c;
      const auto call = decode(body);
      const auto other = nlohmann::json::parse(body, nullptr, false);
      if (!call) continue;
      ASSERT_FALSE(other.is_discarded()) << body;
      EXPECT_EQ(call->index.model_name, other.at("model").get<std::string>()) << body;
    }
}

}  // namespace
}  // namespace tollgate::providers
