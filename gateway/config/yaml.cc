#include "gateway/config/yaml.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "gateway/config/key.h"
#include "gateway/config/yaml_text.h"

namespace upgate::config {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxValues = 200'000;
constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // of all scalars, aliases expanded
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Thrown to leave the YAML library's parser from inside an event; caught by ParseYaml, like the
// library's own exceptions.
struct Refused {
  ConfigError error;
};

// The size and depth of a tree.
struct Weight {
  std::size_t values = 1;
  std::size_t bytes = 0;
  std::size_t depth = 0;  // of a scalar 0; of an empty list 1

  void AddChild(const Weight& child) {
    values += child.values;
    bytes += child.bytes;
    depth = std::max(depth, child.depth + 1);
  }
};

Weight Weigh(const Value& value) {
  const bool is_scalar = value.kind == Value::Kind::kScalar || value.kind == Value::Kind::kNull;
  Weight weight{.values = 1, .bytes = value.scalar.size(), .depth = is_scalar ? 0u : 1u};
  for (const Value& item : value.items) weight.AddChild(Weigh(item));
  for (const auto& [key, member] : value.members) {
    weight.bytes += key.scalar.size();
    weight.AddChild(Weigh(member));
  }
  return weight;
}

Mark ToMark(const YAML::Mark& mark) {
  // The library uses -1 for unknown places.
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

// The plain word that begins at `mark`.
std::string_view WordAt(std::string_view text, const YAML::Mark& mark) {
  const auto offset = static_cast<std::size_t>(std::max(mark.pos, 0));
  if (offset >= text.size()) return {};
  text.remove_prefix(offset);
  return text.substr(0, text.find_first_of(" \t\r\n,]}:#"));
}

bool IsWrittenNull(std::string_view word) {
  return word == "null" || word == "Null" || word == "NULL" || word == "~";
}

// Builds the tree from the library's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Environment environment, std::vector<ConfigError>& errors)
      : text_(text), environment_(environment), errors_(errors) {}

  Value Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true))
      Refuse(ToMark(mark), "a second document; one file holds one configuration");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (AtKey()) Refuse(ToMark(mark), "a ':' without a key before it");
    Charge(ToMark(mark), Weight{});
    Value value = Make(Value::Kind::kNull, ToMark(mark));
    value.scalar = WordAt(text_, mark);
    if (!IsWrittenNull(value.scalar)) value.scalar.clear();
    // The library marks a missing value with the place of whatever comes next.
    if (value.scalar.empty() && !stack_.empty() && stack_.back().key)
      value.mark = stack_.back().key->mark;
    Attach(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (AtKey()) Refuse(ToMark(mark), "a key cannot be an alias");
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) Refuse(ToMark(mark), "an alias inside its own anchor");
    const Weight weight = Weigh(it->second);
    Charge(ToMark(mark), weight);
    CheckDepth(ToMark(mark), stack_.size() + weight.depth);
    Attach(it->second, YAML::anchor_t{});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (IsUnclosedQuote(text_, static_cast<std::size_t>(std::max(mark.pos, 0)))) {
      Refuse(ToMark(mark), "a quote that is never closed");
    }
    Value value = Make(Value::Kind::kScalar, ToMark(mark));
    value.scalar = text;
    value.quoted = !tag.empty() && tag != "?";
    Charge(ToMark(mark), Weight{.values = 1, .bytes = text.size()});
    if (AtKey()) {
      SetKey(std::move(value));
      return;
    }
    CheckTag(tag, ToMark(mark));
    PutEnvironment(value);
    Attach(std::move(value), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Value::Kind::kSequence, ToMark(mark), tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Value::Kind::kMap, ToMark(mark), tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    Value value;
    YAML::anchor_t anchor{};
    std::optional<Value> key;                    // of a map: the key whose value comes next
    bool repeated = false;                       // that key is a duplicate
    std::unordered_map<std::string, int> lines;  // of the keys so far
  };

  [[noreturn]] void Refuse(const Mark& mark, std::string message) const {
    throw Refused{{mark, CurrentKey(), std::move(message)}};
  }

  static Value Make(Value::Kind kind, const Mark& mark) {
    Value value;
    value.kind = kind;
    value.mark = mark;
    return value;
  }

  bool AtKey() const {
    return !stack_.empty() && stack_.back().value.kind == Value::Kind::kMap && !stack_.back().key;
  }

  std::string CurrentKey() const {
    std::string path;
    for (const Frame& frame : stack_) {
      if (frame.key) path = MemberKey(path, frame.key->scalar);
      if (frame.value.kind == Value::Kind::kSequence)
        path = ItemKey(path, frame.value.items.size());
    }
    return path;
  }

  void Charge(const Mark& mark, const Weight& weight) {
    values_ += weight.values;
    bytes_ += weight.bytes;
    if (values_ > kMaxValues)
      Refuse(mark, fmt::format("more than {} values in one file", kMaxValues));
    if (bytes_ > kMaxBytes)
      Refuse(mark, fmt::format("more than {} MiB of values in one file", kMaxBytes >> 20));
  }

  void CheckDepth(const Mark& mark, std::size_t depth) const {
    if (depth > kMaxDepth) Refuse(mark, fmt::format("nested more than {} deep", kMaxDepth));
  }

  void CheckTag(const std::string& tag, const Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    errors_.push_back({mark, CurrentKey(),
                       fmt::format("the tag '{}' is not supported; remove it", Excerpt(tag))});
  }

  void PutEnvironment(Value& value) {
    if (value.scalar.find('\0') != std::string::npos) {
      errors_.push_back({value.mark, CurrentKey(), "has a NUL character in it; remove it"});
    }
    if (value.scalar.find("${") == std::string::npos) return;
    auto text = ExpandEnvironment(value.scalar, environment_);
    if (!text) {
      errors_.push_back({value.mark, CurrentKey(), text.error()});
      return;
    }
    value.written = std::exchange(value.scalar, std::move(*text));
    bytes_ += value.scalar.size();
  }

  void SetKey(Value key) {
    Frame& frame = stack_.back();
    const auto [it, fresh] = frame.lines.try_emplace(key.scalar, key.mark.line);
    const Mark mark = key.mark;
    frame.repeated = !fresh;
    frame.key = std::move(key);
    if (!fresh)
      errors_.push_back(
          {mark, CurrentKey(), fmt::format("repeated key; first given in line {}", it->second)});
  }

  void Open(Value::Kind kind, const Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (AtKey())
      Refuse(mark, "a key must be text, not a list or a map; put it in quotes if it is text");
    CheckTag(tag, mark);
    CheckDepth(mark, stack_.size() + 1);
    Charge(mark, Weight{});
    stack_.push_back({Make(kind, mark), anchor, {}, false, {}});
  }

  void Close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    Attach(std::move(frame.value), frame.anchor);
  }

  void Attach(Value value, YAML::anchor_t anchor) {
    if (anchor != YAML::anchor_t{}) {
      Charge(value.mark, Weigh(value));
      anchors_[anchor] = value;
    }
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.value.kind == Value::Kind::kSequence) {
      parent.value.items.push_back(std::move(value));
      return;
    }
    if (!parent.repeated)
      parent.value.members.push_back({std::move(*parent.key), std::move(value)});
    parent.key.reset();
  }

  const std::string_view text_;
  const Environment environment_;
  std::vector<ConfigError>& errors_;
  bool started_ = false;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Frame> stack_;
  std::unordered_map<YAML::anchor_t, Value> anchors_;
  Value root_;
};

// Converts the library's exceptions.
std::optional<ConfigError> Drive(std::string_view text, TreeBuilder& builder) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return {};
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const YAML::Exception& e) {
    const Mark mark = OnItsLine(text, ToMark(e.mark));
    return ConfigError{
        mark, "", fmt::format("not YAML: {}{}", Excerpt(e.msg), SyntaxHint(text, mark, e.msg))};
  } catch (const std::exception& e) {
    return ConfigError{{1, 1}, "", fmt::format("not YAML: {}", Excerpt(e.what()))};
  }
}

}  // namespace

std::optional<Value> ParseYaml(std::string_view text, Environment environment,
                               std::vector<ConfigError>& errors) {
  if (text.size() > kMaxText) {
    errors.push_back({{}, "", fmt::format("larger than {} MiB", kMaxText >> 20)});
    return {};
  }
  if (auto bad = FindBadCharacter(text)) {
    errors.push_back(std::move(*bad));
    return {};
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());

  TreeBuilder builder(text, environment, errors);
  if (auto error = Drive(text, builder)) {
    errors.push_back(std::move(*error));
    return {};
  }
  Value root = builder.Take();
  if (root.kind == Value::Kind::kAbsent || root.kind == Value::Kind::kNull) {
    root.kind = Value::Kind::kNull;
    root.mark = {1, 1};
  }
  return root;
}

}  // namespace upgate::config
