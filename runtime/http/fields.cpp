#include <gyre/http/options.hpp>

namespace gyre::http {

Fields::Fields(std::initializer_list<std::pair<std::string_view, std::string_view>> fields)
    : fields_(new std::vector<Field>(fields.begin(), fields.end())) {}

Fields::Fields(std::vector<Field> fields) : fields_(new std::vector<Field>(std::move(fields))) {}

Fields::Fields(const Fields& other)
    : fields_(other.fields_ != nullptr ? new std::vector<Field>(*other.fields_) : nullptr) {}

Fields& Fields::operator=(const Fields& other) {
    Fields copy(other);
    std::swap(fields_, copy.fields_);
    return *this;
}

Fields::~Fields() {
    if (owner_ == this) {
        delete fields_;
    }
}

void Fields::add(std::string name, std::string value) {
    if (fields_ == nullptr) {
        fields_ = new std::vector<Field>;
    }
    fields_->emplace_back(std::move(name), std::move(value));
}

}  // namespace gyre::http
