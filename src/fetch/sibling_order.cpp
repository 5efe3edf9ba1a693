#include "fetch/sibling_order.h"

#include "fetch/keys.h"
#include "pg/compat.h"
#include "pg/fault.h"

extern "C" {
#include "port.h"
#include "port/pg_bswap.h"
}

namespace pg_tree::fetch {

namespace {

constexpr uint64 sign_bit = UINT64CONST(1) << 63;

void prepare_sort(SortSupportData& sort, Oid less_than, Oid collation, bool nulls_first, bool abbreviate,
                  MemoryContext context) {
    sort = {};
    sort.ssup_cxt = context;
    sort.ssup_collation = collation;
    sort.ssup_nulls_first = nulls_first;
    sort.abbreviate = abbreviate;
    PrepareSortSupportFromOrderingOp(less_than, &sort);
}

}  // namespace

SiblingOrder::SiblingOrder(const registry::Tree& tree, const Layout& layout, MemoryContext context)
    : sorts_(),
      abbreviation_(),
      key_sort_(),
      sort_words_(),
      count_(tree.sort_columns),
      prefix_(Prefix::none),
      prefix_decides_(false),
      integer_keys_(registry::is_integer(tree.key.kind)),
      table_(nullptr),
      keys_(nullptr),
      comparisons_(0) {
    for (int i = 0; i < count_; ++i) {
        const registry::SortColumn& column = tree.sort[i];
        prepare_sort(sorts_[i], column.less_than, column.collation, column.nulls_first, false, context);
        sort_words_[i] = layout.sort_word[i];
    }
    if (!integer_keys_) {
        prepare_sort(key_sort_, tree.key.less_than, tree.key.collation, false, false, context);
    }
    prefix_ = choose_prefix(tree.sort[0], context);
    prefix_decides_ = count_ == 1 && integer_keys_ && prefix_ != Prefix::none && prefix_ != Prefix::abbreviated;
}

SiblingOrder::Prefix SiblingOrder::choose_prefix(const registry::SortColumn& column, MemoryContext context) {
    const SortSupportData& sort = sorts_[0];
    if (sort.comparator == ssup_datum_signed_cmp) {
        return Prefix::signed64;
    }
    if (sort.comparator == ssup_datum_int32_cmp) {
        return Prefix::signed32;
    }
    const Oid type = getBaseType(column.type);
    if (type == INT2OID) {
        return Prefix::signed16;
    }
    if (type == OIDOID) {
        return Prefix::unsigned32;
    }
    if ((type == TEXTOID || type == VARCHAROID) && pg::collation_is_c(column.collation)) {
        return Prefix::c_text;
    }
    prepare_sort(abbreviation_, column.less_than, column.collation, column.nulls_first, true, context);
    if (abbreviation_.abbrev_converter != nullptr && abbreviation_.comparator == ssup_datum_unsigned_cmp) {
        return Prefix::abbreviated;
    }
    return Prefix::none;
}

uint64 SiblingOrder::prefix(Datum value) {
    uint64 prefix = 0;
    switch (prefix_) {
        case Prefix::none:
            return 0;
        case Prefix::signed64:
            prefix = static_cast<uint64>(DatumGetInt64(value)) ^ sign_bit;
            break;
        case Prefix::signed32:
            prefix = static_cast<uint64>(static_cast<int64>(DatumGetInt32(value))) ^ sign_bit;
            break;
        case Prefix::signed16:
            prefix = static_cast<uint64>(static_cast<int64>(DatumGetInt16(value))) ^ sign_bit;
            break;
        case Prefix::unsigned32:
            prefix = DatumGetObjectId(value);
            break;
        case Prefix::c_text: {
            const auto* text = reinterpret_cast<const varlena*>(DatumGetPointer(value));
            const std::size_t length = VARSIZE_ANY_EXHDR(text);
            memcpy(&prefix, VARDATA_ANY(text), std::min<std::size_t>(length, sizeof prefix));
            prefix = pg_ntoh64(prefix);
            // Text holds no zero bytes, so up to eight bytes the prefix says it all.
            prefix_decides_ = prefix_decides_ && length <= sizeof prefix;
            break;
        }
        case Prefix::abbreviated:
            prefix = static_cast<uint64>(abbreviation_.abbrev_converter(value, &abbreviation_));
            break;
    }
    return sorts_[0].ssup_reverse ? ~prefix : prefix;
}

int SiblingOrder::compare(const void* a, const void* b, void* argument) {
    auto& order = *static_cast<SiblingOrder*>(argument);
    if ((++order.comparisons_ & 4095) == 0) {
        CHECK_FOR_INTERRUPTS();
    }
    const core::Node node_a = *static_cast<const core::Node*>(a);
    const core::Node node_b = *static_cast<const core::Node*>(b);
    const core::Row& x = order.table_->rows[node_a];
    const core::Row& y = order.table_->rows[node_b];
    for (int i = 0; i < order.count_; ++i) {
        const int word = order.sort_words_[i];
        const int result =
            ApplySortComparator(static_cast<Datum>(x.payload[word]), x.word_is_null(word),
                                static_cast<Datum>(y.payload[word]), y.word_is_null(word), &order.sorts_[i]);
        if (result != 0) {
            return result;
        }
    }
    // Ties by key, null keys last, rows without a key as they came.
    if (x.has_key() != y.has_key()) {
        return x.has_key() ? -1 : 1;
    }
    if (x.has_key() && x.key != y.key) {
        if (order.integer_keys_) {
            return x.key < y.key ? -1 : 1;
        }
        const int result =
            ApplySortComparator(order.keys_->value(x.key), false, order.keys_->value(y.key), false, &order.key_sort_);
        if (result != 0) {
            return result;
        }
    }
    return node_a < node_b ? -1 : node_a > node_b ? 1 : 0;
}

void SiblingOrder::settle(const core::NodeTable& table, const Keys& keys, std::span<core::Node> children,
                          const core::OpenRun* runs, std::size_t count) {
    pg::server_fault_point(pg::Fault::sort);
    table_ = &table;
    keys_ = &keys;
    for (std::size_t i = 0; i < count; ++i) {
        qsort_arg(children.data() + runs[i].begin, runs[i].end - runs[i].begin, sizeof(core::Node), compare, this);
    }
}

}  // namespace pg_tree::fetch
