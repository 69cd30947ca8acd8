#include "gateway/base/json.h"

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace upgate {
namespace {

// Builds a value from the events of the parser, within bounds. The functions that the parser calls
// return whether it is to go on.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(int max_depth, std::size_t max_members)
      : max_depth_(static_cast<std::size_t>(max_depth)), max_members_(max_members) {}

  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(std::int64_t value) override { return Add(value); }
  bool number_unsigned(std::uint64_t value) override { return Add(value); }
  bool number_float(double value, const std::string&) override { return Add(value); }
  bool string(std::string& value) override { return Add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return Open(Json::value_t::object); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Json::value_t::array); }
  bool end_array() override { return Close(); }
  bool key(std::string& name) override {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [member, is_new] = members.emplace(std::move(name), nullptr);
    next_ = &member->second;
    return is_new && members.size() <= max_members_;
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  // Where the next value goes, with this value.
  Json& Put(Json value) {
    if (!open_.empty() && open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return open_.back()->back();
    }
    *next_ = std::move(value);
    return *next_;
  }
  bool Add(Json value) {
    Put(std::move(value));
    return true;
  }
  bool Open(Json::value_t kind) {
    open_.push_back(&Put(kind));
    return open_.size() <= max_depth_;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  const std::size_t max_depth_;
  const std::size_t max_members_;
  Json root_;
  Json* next_ = &root_;      // unless the innermost value is an array
  std::vector<Json*> open_;  // arrays and objects, from the outside; none grows but the last
};

}  // namespace

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json ParseJson(std::string_view text, int max_depth, std::size_t max_members) {
  Builder builder(max_depth, max_members);
  if (!Json::sax_parse(text, &builder)) return Json(Json::value_t::discarded);
  return builder.Take();
}

}  // namespace upgate
