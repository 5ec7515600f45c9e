// What libcurl is told of a request before it begins.
#include "session_state.hpp"
#include "transfer.hpp"

#include <gyre/http/errors.hpp>

#include <strings.h>

#include <algorithm>
#include <new>
#include <string>

namespace gyre::http::detail {

namespace {

void append(std::unique_ptr<curl_slist, FreeList>& list, const std::string& text) {
    curl_slist* longer = curl_slist_append(list.get(), text.c_str());
    if (longer == nullptr) {
        throw std::bad_alloc();
    }
    static_cast<void>(list.release());
    list.reset(longer);
}

// Servers expect a length of them, if it is 0.
bool is_sent_with_body(const std::string& method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

bool is_tls(const std::string& url) { return ::strncasecmp(url.c_str(), "https", 5) == 0; }

bool has_field(const Request& request, const char* name) {
    return std::any_of(request.headers.begin(), request.headers.end(), [name](const auto& field) {
        return ::strcasecmp(field.first.c_str(), name) == 0;
    });
}

}  // namespace

template <class T>
void Transfer::set(CURLoption option, T value) {
    if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK) {
        throw ClientError(what_ + ": " + curl_easy_strerror(code), response_.url);
    }
}

void Transfer::set_up(const Request& request, const std::string& addresses) {
    const SessionState& session = *session_;
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, message_.data());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_URL, response_.url.c_str());
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    if (is_tls(response_.url)) {
        set(CURLOPT_PIPEWAIT, 1L);  // one connection of HTTP/2 serves many, no need for more
    }
    set(CURLOPT_ACCEPT_ENCODING, "");
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_SHARE, session.cookies());
    set(CURLOPT_COOKIEFILE, "");
    set(CURLOPT_PROXY, session.proxy.c_str());
    set(CURLOPT_USERAGENT, session.user_agent.c_str());
    set(CURLOPT_PREREQFUNCTION, &Transfer::on_request);
    set(CURLOPT_PREREQDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_data);
    set(CURLOPT_WRITEDATA, this);
    if (!session.ca_file.empty()) {
        set(CURLOPT_CAINFO, session.ca_file.c_str());
    }
    if (!session.options.verify) {
        set(CURLOPT_SSL_VERIFYPEER, 0L);
        set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (timeouts_.connect) {
        // 0 would be libcurl's own limit.
        const auto limit = std::max<long>(1, static_cast<long>(timeouts_.connect->count()));
        set(CURLOPT_CONNECTTIMEOUT_MS, limit);
    }
    if (request.credentials) {
        set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        set(CURLOPT_USERPWD, request.credentials->c_str());
    }
    if (!addresses.empty()) {
        append(resolve_list_, addresses);
        set(CURLOPT_RESOLVE, resolve_list_.get());
    }
    append(header_list_, "Expect:");  // no second's wait for a server that does not know it
    for (const auto& [name, value] : request.headers) {
        append(header_list_, value.empty() ? name + ';' : name + ": " + value);
    }
    set_body(request);
    set(CURLOPT_HTTPHEADER, header_list_.get());
}

void Transfer::set_body(const Request& request) {
    if (upload_ != nullptr) {
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_READFUNCTION, &Transfer::on_upload);
        set(CURLOPT_READDATA, this);
    } else if (request.has_body || is_sent_with_body(request.method)) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_COPYPOSTFIELDS, request.body.c_str());
        // libcurl takes a body for a form's unless somebody says what it is.
        if (!has_field(request, "content-type")) {
            append(header_list_, "Content-Type:");
        }
    }
    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

}  // namespace gyre::http::detail
