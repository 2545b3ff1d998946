// Forms with files (RFC 7578), read strictly and piece by piece.
#include "providers/multipart.h"

#include <gtest/gtest.h>

#include <vector>

namespace tollgate::providers {
namespace {

using Item = FormReader::Item;

struct Part {
  FormPart head;
  std::string content;
  bool ended = false;
};
struct Form {
  std::vector<Part> parts;
  bool ended = false;
  std::string problem;  // empty: none
};

bool operator==(const Part& a, const Part& b) {
  return a.head.name == b.head.name && a.head.filename == b.head.filename &&
         a.head.content_type == b.head.content_type && a.content == b.content && a.ended == b.ended;
}

// false: nothing more is to be read.
bool take_all(FormReader& reader, Form& out) {
  for (;;) {
    const auto item = reader.next();
    if (!item) {
      out.problem = item.error().message;
      return false;
    }
    if (*item == Item::more) return true;
    if (*item == Item::part) out.parts.push_back({reader.part(), {}});
    if (*item == Item::data) out.parts.back().content += reader.data();
    if (*item == Item::part_end) out.parts.back().ended = true;
    if (*item == Item::end) out.ended = true;
  }
}

Form read(std::initializer_list<std::string_view> pieces, const std::string& boundary = "b") {
  FormReader reader(boundary);
  Form out;
  for (const auto piece : pieces) {
    reader.input() += piece;
    if (!take_all(reader, out)) return out;
  }
  const auto whole = reader.finish();
  if (!whole) out.problem = whole.error().message;
  return out;
}

std::string part(std::string_view head, std::string_view content) {
  return "--b\r\n" + std::string(head) + "\r\n\r\n" + std::string(content) + "\r\n";
}
std::string field(std::string_view name, std::string_view value) {
  return part("Content-Disposition: form-data; name=\"" + std::string(name) + "\"", value);
}
std::string problem_of(std::string_view head) { return read({part(head, "x") + "--b--\r\n"}).problem; }

const std::string kWhole = field("model", "whisper-1") +
                           part(
                               "content-disposition:form-data; name=file; filename=\"a b.wav\"; filename*=utf-8''x\r\n"
                               "Content-Type: audio/wav\r\nContent-Length: 3",
                               std::string("\0\r\n--c\r\n--", 10)) +
                           field("empty", "") + "--b--\r\n";

TEST(FormReader, GivesPartsWithTheirBytes) {
  const Form form = read({kWhole});
  EXPECT_EQ(form.problem, "");
  EXPECT_TRUE(form.ended);
  ASSERT_EQ(form.parts.size(), 3u);
  EXPECT_EQ(form.parts[0], (Part{{"model", std::nullopt, ""}, "whisper-1", true}));
  EXPECT_EQ(form.parts[1], (Part{{"file", "a b.wav", "audio/wav"}, std::string("\0\r\n--c\r\n--", 10), true}));
  EXPECT_EQ(form.parts[2], (Part{{"empty", std::nullopt, ""}, "", true}));
}

TEST(FormReader, ReadsTheSameWhereverTheBytesAreCut) {
  const std::string_view wire = kWhole;
  const Form whole = read({wire});
  for (std::size_t a = 0; a <= wire.size(); ++a)
    for (std::size_t b = a; b <= wire.size(); b += 1 + wire.size() / 29) {
      const Form cut = read({wire.substr(0, a), wire.substr(a, b - a), wire.substr(b)});
      ASSERT_EQ(cut.problem, "") << a << " " << b;
      ASSERT_EQ(cut.parts, whole.parts) << a << " " << b;
    }
}

TEST(FormReader, AFormThatIsCutShortIsRefusedWhereverItEnds) {
  const std::string_view wire = std::string_view(kWhole).substr(0, kWhole.size() - 2);  // the last line end may lack
  EXPECT_EQ(read({wire}).problem, "");
  for (std::size_t size = 0; size < wire.size(); ++size) EXPECT_NE(read({wire.substr(0, size)}).problem, "") << size;
}

TEST(FormReader, WritesWhatItReads) {
  std::string again;
  for (const Part& part : read({kWhole}).parts) {
    append_part_head(again, "b", part.head);
    again += part.content + "\r\n";
  }
  append_form_end(again, "b");
  EXPECT_EQ(read({again}).parts, read({kWhole}).parts);
}

TEST(FormReader, RefusesWhatReadersTakeDifferently) {
  const std::string disposition = "Content-Disposition: form-data; name=\"a\"";
  EXPECT_EQ(problem_of(disposition), "");
  EXPECT_NE(problem_of(disposition + "; name=\"b\"").find("twice"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\n" + disposition).find("twice"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "; filename*=utf-8''a").find("filename*"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "; filename=\"a\\\"b\"").find("backslash"), std::string::npos);
  EXPECT_NE(problem_of("Content-Disposition: form-data; name=\"a").find("does not end"), std::string::npos);
  EXPECT_NE(problem_of("Content-Disposition: form-data").find("no name"), std::string::npos);
  EXPECT_NE(problem_of("Content-Disposition: attachment; name=a").find("form-data"), std::string::npos);
  EXPECT_NE(problem_of("Content-Type: text/plain").find("form-data"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\n folded").find("':'"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\nContent-Transfer-Encoding: base64").find("Encoding"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\nX: a\nb").find("control"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\nX: " + std::string(1, '\0')).find("control"), std::string::npos);
  EXPECT_NE(problem_of("Content-Disposition: form-data; name=\"\xff\"").find("UTF-8"), std::string::npos);
}

TEST(FormReader, HasLimits) {
  const std::string disposition = "Content-Disposition: form-data; name=a";
  std::string lines = disposition;
  for (int i = 0; i < 15; ++i) lines += "\r\nX: y";
  EXPECT_EQ(problem_of(lines), "");
  EXPECT_NE(problem_of(lines + "\r\nX: y").find("too many headers"), std::string::npos);
  EXPECT_NE(problem_of(disposition + "\r\nX: " + std::string(9000, 'y')).find("too long"), std::string::npos);
  EXPECT_NE(problem_of("Content-Disposition: form-data; name=" + std::string(300, 'y')).find("too long"),
            std::string::npos);
  std::string many;
  for (int i = 0; i < 128; ++i) many += field("a", "");
  EXPECT_EQ(read({many + "--b--"}).problem, "");
  EXPECT_NE(read({many + field("a", "") + "--b--"}).problem.find("too many parts"), std::string::npos);
}

TEST(FormReader, RefusesAnotherBoundaryAndWhatFollowsTheEnd) {
  EXPECT_NE(read({"--c\r\n"}).problem.find("does not begin"), std::string::npos);
  EXPECT_NE(read({"preamble\r\n--b--"}).problem.find("does not begin"), std::string::npos);
  EXPECT_NE(read({"--bc\r\n"}).problem.find("line end"), std::string::npos);
  EXPECT_NE(read({kWhole + "more"}).problem.find("follows"), std::string::npos);
  EXPECT_NE(read({kWhole, "\r\n"}).problem.find("follows"), std::string::npos);
}

TEST(FormBoundary, IsTakenFromTheContentType) {
  EXPECT_EQ(*form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*form_boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a:b\""), "a:b");
  for (const auto wrong : {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a b",
                           "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\"a"})
    EXPECT_EQ(form_boundary(wrong).error().kind, ErrorKind::invalid_request) << wrong;
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
  EXPECT_EQ(form_boundary("application/json").error().kind, ErrorKind::unsupported_media_type);
}

}  // namespace
}  // namespace tollgate::providers
