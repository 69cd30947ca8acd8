#include "gateway/http/message.h"

#include <algorithm>
#include <chrono>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

// application/x-www-form-urlencoded; an invalid escape is kept as it is.
std::string FormDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
      continue;
    }
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

bool IsParameter(std::string_view pair, std::string_view name) {
  return FormDecode(pair.substr(0, pair.find('='))) == name;
}

// Written by hand for speed: every response has a date.
void PutTwoDigits(std::string& text, std::size_t at, unsigned number) {
  text[at] = static_cast<char>('0' + number / 10);
  text[at + 1] = static_cast<char>('0' + number % 10);
}

std::string FormatDate(std::int64_t unix_seconds) {
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::string text = "Day, DD Mon YYYY HH:MM:SS GMT";
  text.replace(0, 3, kDays.substr(3 * std::chrono::weekday{day}.c_encoding(), 3));
  PutTwoDigits(text, 5, static_cast<unsigned>(date.day()));
  text.replace(8, 3, kMonths.substr(3 * (static_cast<unsigned>(date.month()) - 1), 3));
  PutTwoDigits(text, 12, year / 100 % 100);
  PutTwoDigits(text, 14, year % 100);
  PutTwoDigits(text, 17, static_cast<unsigned>(clock.hours().count()));
  PutTwoDigits(text, 20, static_cast<unsigned>(clock.minutes().count()));
  PutTwoDigits(text, 23, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

// Calls `visit` with each '&'-separated piece, including empty ones, until it returns false.
template <class Visit>
void ForEachPair(std::string_view query, Visit visit) {
  while (true) {
    const std::size_t end = query.find('&');
    if (!visit(query.substr(0, end)) || end == std::string_view::npos) return;
    query.remove_prefix(end + 1);
  }
}

}  // namespace

void Headers::Add(std::string_view name, std::string_view value) {
  headers_.emplace_back(name, value);
}

void Headers::Set(std::string_view name, std::string_view value) {
  const auto same = [&](const Header& h) { return EqualsIgnoreCase(h.name, name); };
  const auto first = std::ranges::find_if(headers_, same);
  if (first == headers_.end()) {
    Add(name, value);
    return;
  }
  // Copied first: the arguments may point into the field that is replaced.
  *first = Header{std::string(name), std::string(value)};
  headers_.erase(
      std::remove_if(first + 1, headers_.end(),
                     [&](const Header& h) { return EqualsIgnoreCase(h.name, first->name); }),
      headers_.end());
}

void Headers::Remove(std::string_view name) {
  const std::string wanted(name);
  std::erase_if(headers_, [&](const Header& h) { return EqualsIgnoreCase(h.name, wanted); });
}

const std::string* Headers::Find(std::string_view name) const {
  for (const Header& h : headers_) {
    if (EqualsIgnoreCase(h.name, name)) return &h.value;
  }
  return nullptr;
}

std::size_t Headers::Count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers_, [&](const Header& h) { return EqualsIgnoreCase(h.name, name); }));
}

bool Headers::HasToken(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(headers_, [&](const Header& h) {
    return EqualsIgnoreCase(h.name, name) && ListHasToken(h.value, token);
  });
}

std::string Headers::Joined(std::string_view name) const {
  std::string out;
  bool first = true;
  for (const Header& h : headers_) {
    if (!EqualsIgnoreCase(h.name, name)) continue;
    if (!first) out += ", ";
    out += h.value;
    first = false;
  }
  return out;
}

std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  ForEachPair(query, [&](std::string_view pair) {
    if (pair.empty() || !IsParameter(pair, name)) return true;
    const std::size_t equals = pair.find('=');
    found = equals == std::string_view::npos ? std::string() : FormDecode(pair.substr(equals + 1));
    return false;
  });
  return found;
}

std::vector<std::pair<std::string, std::string>> QueryParameters(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  ForEachPair(query, [&](std::string_view pair) {
    if (pair.empty()) return true;
    const std::size_t equals = pair.find('=');
    parameters.emplace_back(
        FormDecode(pair.substr(0, equals)),
        equals == std::string_view::npos ? std::string() : FormDecode(pair.substr(equals + 1)));
    return true;
  });
  return parameters;
}

std::string QueryWithout(std::string_view query, std::string_view name) {
  std::string out;
  bool first = true;
  ForEachPair(query, [&](std::string_view pair) {
    if (!pair.empty() && IsParameter(pair, name)) return true;
    if (!first) out += '&';
    out += pair;
    first = false;
    return true;
  });
  return out;
}

Response TextResponse(int status, std::string_view why) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::string(why) + "\n";
  return response;
}

std::string HttpDate(std::int64_t unix_seconds) {
  // Most answers have the date of the one before.
  static thread_local std::int64_t last_seconds = 0;
  static thread_local std::string last = FormatDate(0);
  if (std::exchange(last_seconds, unix_seconds) != unix_seconds) last = FormatDate(unix_seconds);
  return last;
}

namespace {

// In the order of the codes.
constexpr std::pair<int, std::string_view> kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

}  // namespace

std::string_view ReasonPhrase(int status) {
  const auto found =
      std::ranges::lower_bound(kPhrases, status, {}, [](const auto& p) { return p.first; });
  return found != std::end(kPhrases) && found->first == status ? found->second : "Unknown";
}

}  // namespace upgate::http
