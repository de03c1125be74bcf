// Addresses in exports, rewritten so that copies meet. Here: the two rule sets as far as plain ASCII goes; what needs Unicode tables
// or a full parser is handed back to the caller, who decides by the same rules.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "strings.hpp"

namespace sma {

enum UrlStatus : uint8_t { URL_NONE = 0, URL_DONE = 1, URL_HARD = 2, URL_INTERNAL = 3 };

inline bool starts_with(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }

// ---- compat: urllib.parse.urlparse of Python 3.11 and the clean-up of the original program ------------------------------------

inline bool scheme_takes_params(std::string_view scheme) {
    static const std::string_view KNOWN[] = {"", "ftp", "hdl", "prospero", "http", "https", "shttp", "rtsp", "rtsps", "rtspu", "sip",
                                             "sips", "mms", "sftp", "tel"};
    return std::find(std::begin(KNOWN), std::end(KNOWN), scheme) != std::end(KNOWN);
}

// URL_HARD: the host part needs Unicode tables or the bracket rules.
inline UrlStatus compat_url(std::string_view url, std::string& out) {
    while (!url.empty() && static_cast<unsigned char>(url.front()) <= 0x20) url.remove_prefix(1);
    std::string cleaned;
    if (url.find_first_of("\t\r\n") != std::string_view::npos) {
        for (char c : url)
            if (c != '\t' && c != '\r' && c != '\n') cleaned.push_back(c);
        url = cleaned;
    }
    std::string scheme;
    const size_t colon = url.find(':');
    if (colon != std::string_view::npos && colon > 0 && ascii_lower(url[0]) >= 'a' && ascii_lower(url[0]) <= 'z') {
        bool fits = true;
        for (char c : url.substr(0, colon))
            fits = fits && (is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '+' || c == '-' || c == '.');
        if (fits) {
            scheme = ascii_lower(url.substr(0, colon));
            url.remove_prefix(colon + 1);
        }
    }
    std::string_view host;
    if (starts_with(url, "//")) {
        const size_t stop = std::min(url.find_first_of("/?#", 2), url.size());
        host = url.substr(2, stop - 2);
        url.remove_prefix(stop);
        if (!is_ascii(host) || host.find_first_of("[]") != std::string_view::npos) return URL_HARD;
    }
    url = url.substr(0, url.find('#'));
    std::string_view query;
    if (const size_t mark = url.find('?'); mark != std::string_view::npos) {
        query = url.substr(mark + 1);
        url = url.substr(0, mark);
    }
    if (scheme_takes_params(scheme)) {
        const size_t slash = url.rfind('/');
        const size_t semicolon = url.find(';', slash == std::string_view::npos ? 0 : slash);
        url = url.substr(0, semicolon);
    }
    out.assign(scheme);
    out += "://";
    for (char c : host) out.push_back(ascii_lower(c));
    out.append(url);
    out.push_back('?');
    bool first = true;
    for (;;) {
        const size_t cut = query.find('&');
        const std::string_view piece = query.substr(0, cut);
        if (!starts_with(piece, "utm") && !starts_with(piece, "fb")) {
            if (!first) out.push_back('&');
            out.append(piece);
            first = false;
        }
        if (cut == std::string_view::npos) break;
        query.remove_prefix(cut + 1);
    }
    return URL_DONE;
}

// Whether the lower-cased text holds ://www.facebook.com/ or ://facebook.com/; the Kelvin sign is the one other letter that
// becomes an ASCII letter of these words.
inline bool mentions_facebook(std::string_view url) {
    for (size_t at = url.find("://"); at != std::string_view::npos; at = url.find("://", at + 1)) {
        std::string rest;
        for (size_t i = at + 3; i < url.size() && rest.size() < 17; ++i) {
            if (url.substr(i, 3) == "\xE2\x84\xAA") {
                rest.push_back('k');
                i += 2;
            } else {
                rest.push_back(ascii_lower(url[i]));
            }
        }
        if (starts_with(rest, "www.facebook.com/") || starts_with(rest, "facebook.com/")) return true;
    }
    return false;
}

// ---- canonical -----------------------------------------------------------------------------------------------------------------

// Names of parameters to drop: exact names and names that begin with a word (all lower case).
struct DroppedParameters {
    std::vector<std::string> exact, prefix;
    bool drops(std::string_view name) const {
        std::string lower = ascii_lower(name);
        for (const auto& head : prefix)
            if (starts_with(lower, head)) return true;
        return std::find(exact.begin(), exact.end(), lower) != exact.end();
    }
};

struct HostRules {
    std::vector<std::string> internal;                               // domains of the post's own platform
    std::vector<std::pair<std::string, std::string>> renamed;        // mobile and old hosts -> main host, without www.
    std::vector<std::pair<std::string, DroppedParameters>> dropped;  // by domain; "" for all
    std::vector<std::string> hard;                                   // hosts with rules of their own
};

inline bool below(std::string_view host, std::string_view domain) {
    return host == domain || (host.size() > domain.size() && host.substr(host.size() - domain.size()) == domain &&
                              host[host.size() - domain.size() - 1] == '.');
}

// A plain web address: http(s)://host/path?query with nothing that needs decoding, punycode, dot segments or unwrapping. Everything
// else is URL_HARD.
inline UrlStatus canonical_url(std::string_view url, const HostRules& rules, std::string& out) {
    std::string_view rest = url;
    if (starts_with(rest, "https://")) rest.remove_prefix(8);
    else if (starts_with(rest, "http://")) rest.remove_prefix(7);
    else return URL_HARD;
    const size_t stop = std::min(rest.find_first_of("/?#"), rest.size());
    std::string host = ascii_lower(rest.substr(0, stop));
    rest.remove_prefix(stop);
    if (host.empty() || host.front() == '.' || host.back() == '.' || host.find("..") != std::string::npos) return URL_HARD;
    bool letters = false;
    for (char c : host) {
        if (!(is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.')) return URL_HARD;
        letters = letters || (c >= 'a' && c <= 'z');
    }
    const size_t last_dot = host.rfind('.');
    // A last label that begins with a digit may be an IPv4 address in disguise; punycode labels need checking.
    if (!letters || last_dot == std::string::npos || is_digit(host[last_dot + 1]) || host.find("xn--") != std::string::npos) return URL_HARD;
    for (char c : rest) {
        const auto u = static_cast<unsigned char>(c);
        if (u <= 0x20 || u >= 0x7F || c == '%' || c == '\\' || c == '"' || c == '<' || c == '>' || c == '\'' || c == '`' || c == '{' ||
            c == '}' || c == '^' || c == '|')
            return URL_HARD;
    }
    if (rest.find("/.") != std::string_view::npos || rest.find("#!") != std::string_view::npos) return URL_HARD;
    if (starts_with(host, "www.")) host.erase(0, 4);
    for (const auto& name : rules.hard)
        if (below(host, name)) return URL_HARD;
    for (const auto& name : rules.internal)
        if (below(host, name)) return URL_INTERNAL;
    for (const auto& [from, to] : rules.renamed)
        if (host == from) host = to;
    rest = rest.substr(0, rest.find('#'));
    std::string_view query;
    if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
        query = rest.substr(mark + 1);
        rest = rest.substr(0, mark);
    }
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
    out.assign("https://");
    out += host;
    out.append(rest);
    if (query.empty()) return URL_DONE;
    std::vector<std::pair<std::string_view, std::string_view>> kept;
    while (true) {
        const size_t cut = query.find('&');
        const std::string_view piece = query.substr(0, cut);
        const size_t equals = piece.find('=');
        bool drop = piece.empty();
        for (const auto& [domain, parameters] : rules.dropped)
            if (!drop && (domain.empty() || below(host, domain))) drop = parameters.drops(piece.substr(0, equals));
        if (!drop) kept.emplace_back(piece.substr(0, equals), piece);
        if (cut == std::string_view::npos) break;
        query.remove_prefix(cut + 1);
    }
    auto value = [](const std::pair<std::string_view, std::string_view>& p) { return p.second.substr(std::min(p.first.size(), p.second.size())); };
    std::sort(kept.begin(), kept.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : value(a) < value(b);
    });
    char mark = '?';
    for (const auto& piece : kept) {
        out.push_back(mark);
        out.append(piece.second);
        mark = '&';
    }
    return URL_DONE;
}

}  // namespace sma
