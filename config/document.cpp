// The only file that knows yaml-cpp. Its event interface is used, so that limits act while it parses.
#include "config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_set>

#include "config/scalars.h"

namespace tollgate::config {
namespace {

struct Refused {
  int line;
  std::string message;
};

int line_of(const YAML::Mark& mark) { return mark.line + 1; }

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<Refused>& duplicates) : duplicates_(duplicates) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    value(leaf(Node::Kind::null, mark), mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{line_of(mark), "aliases (*name) are not supported: write the value out"};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node = leaf(Node::Kind::scalar, mark);
    node.quoted = tag == "!";
    node.text = text;
    value(std::move(node), mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    bool key_pending = false;  // a key was read, its value comes next
    std::string key;
    int key_line = 0;
    std::unordered_set<std::string> seen;
  };

  static Node leaf(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = line_of(mark);
    return node;
  }

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{line_of(mark), "anchors (&name) are not supported: write the value out"};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused{line_of(mark), "tags (!name) are not supported"};
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) throw Refused{line_of(mark), "a key has to be plain text"};
    if (frames_.size() >= kMaxDepth) throw Refused{line_of(mark), "nested deeper than 32 levels"};
    Frame frame;
    frame.node = leaf(kind, mark);
    frames_.push_back(std::move(frame));
  }

  void close() {
    Node done = std::move(frames_.back().node);
    frames_.pop_back();
    attach(std::move(done));
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().node.kind == Node::Kind::mapping && !frames_.back().key_pending;
  }

  // A leaf arrived: it is a key or a value.
  void value(Node node, const YAML::Mark& mark) {
    if (++nodes_ > kMaxNodes) throw Refused{line_of(mark), "more than 200000 values in one file"};
    if (expects_key()) return key(std::move(node));
    attach(std::move(node));
  }

  void key(Node node) {
    if (node.kind == Node::Kind::null) throw Refused{node.line, "a key has to be plain text"};
    if (node.text == "<<" && !node.quoted) {
      throw Refused{node.line, "merge keys (<<) are not supported: write the values out"};
    }
    Frame& frame = frames_.back();
    if (!frame.seen.insert(node.text).second) {
      duplicates_.push_back({node.line, "the key '" + printable(node.text) + "' is given twice"});
    }
    frame.key = std::move(node.text);
    frame.key_line = node.line;
    frame.key_pending = true;
  }

  void attach(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::sequence) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    frame.node.members.push_back({std::move(frame.key), frame.key_line, std::move(node)});
    frame.key_pending = false;
  }

  std::vector<Refused>& duplicates_;
  std::vector<Frame> frames_;
  std::size_t nodes_ = 0;
  Node root_;
};

// A stream over bytes that are not copied.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // read only: streambuf has no const get area
    setg(begin, begin, begin + text.size());
  }
};

// nullopt: the text has more than one document.
std::optional<Node> build_tree(std::string_view text, std::vector<Refused>& duplicates) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  YAML::Parser parser(stream);
  TreeBuilder builder(duplicates);
  parser.HandleNextDocument(builder);
  Node root = builder.take();
  std::vector<Refused> ignored;
  TreeBuilder rest(ignored);
  if (parser.HandleNextDocument(rest)) return std::nullopt;
  return root;
}

}  // namespace

const Member* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member;
  }
  return nullptr;
}

std::optional<Node> parse_yaml(std::string_view text, const std::string& file, std::vector<Problem>& problems) {
  const auto fail = [&](int line, std::string message) {
    problems.push_back({file, line, "", std::move(message)});
    return std::nullopt;
  };
  if (text.size() > kMaxFileBytes) return fail(0, "larger than 1 MiB");
  if (const auto bad = first_non_text_line(text)) return fail(*bad, "not a text file (expected UTF-8)");
  std::vector<Refused> duplicates;
  try {
    std::optional<Node> root = build_tree(text, duplicates);
    if (!root) return fail(0, "holds more than one document ('---')");
    for (Refused& duplicate : duplicates) problems.push_back({file, duplicate.line, "", std::move(duplicate.message)});
    if (!duplicates.empty()) return std::nullopt;
    return root;
  } catch (const Refused& refused) {
    return fail(refused.line, refused.message);
  } catch (const YAML::Exception& error) {
    return fail(line_of(error.mark), "not valid YAML: " + error.msg);
  }
}

}  // namespace tollgate::config
