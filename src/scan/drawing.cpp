// tree_draw. Box-drawing characters in a UTF-8 database, ASCII elsewhere. Below 40 levels the branches give way to the level's number in
// brackets: a drawing of a long chain would otherwise grow with its square.

#include "scan/image_rows.h"
#include "scan/question.h"
#include "scan/source.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg_tree::scan {

namespace {

constexpr std::int32_t deepest_branches = 40;

struct Strokes {
    const char* child;
    const char* last_child;
    const char* open;    // beside the descendants of a node that has younger siblings
    const char* closed;  // beside those of a last child
};
constexpr Strokes box = {"├── ", "└── ", "│   ", "    "};
constexpr Strokes ascii = {"|-- ", "`-- ", "|   ", "    "};

/// A name is one line in the drawing, whatever is in it.
void append_on_one_line(StringInfo line, const char* label) {
    for (; *label != '\0'; ++label) {
        appendStringInfoChar(line, static_cast<unsigned char>(*label) < ' ' ? ' ' : *label);
    }
}

/// One line a node: the start's name, then its descendants' behind branches.
template <class Source>
class Drawing final : public Rows {
public:
    Drawing(const Source& source, const Wanted& wanted)
        : begin_(source),
          source_(source),
          places_(wanted.places),
          strokes_(GetDatabaseEncoding() == PG_UTF8 ? box : ascii) {
        initStringInfo(&line_);
    }

    void rewind() override {
        source_ = begin_;
        begun_ = false;
    }

    bool next(Datum* values, bool* nulls) override {
        Datum node[4];
        bool node_nulls[4];
        resetStringInfo(&line_);
        if (!begun_) {
            begun_ = true;
            source_.fill_start(node, node_nulls);
        } else if (source_.next()) {
            draw_branches();
            source_.fill(node, node_nulls);
        } else {
            return false;
        }
        if (const int at = places_.of(Column::line); at >= 0) {
            char* name = label_of(node, node_nulls, source_.form());
            append_on_one_line(&line_, name);
            pfree(name);
            values[at] = PointerGetDatum(cstring_to_text_with_len(line_.data, line_.len));
            nulls[at] = false;
        }
        return true;
    }

private:
    void draw_branches() {
        const std::int32_t level = source_.level();
        const bool is_last = source_.is_last_sibling();
        if (level > deepest_branches) {
            appendStringInfo(&line_, "[%d] ", level);
        } else {
            last_at_[level] = is_last;
            for (std::int32_t outer = 0; outer < level; ++outer) {
                appendStringInfoString(&line_, last_at_[outer] ? strokes_.closed : strokes_.open);
            }
        }
        appendStringInfoString(&line_, is_last ? strokes_.last_child : strokes_.child);
    }

    Source begin_;
    Source source_;
    Places places_;
    const Strokes& strokes_;
    StringInfoData line_;
    bool begun_ = false;
    bool last_at_[deepest_branches + 1] = {};
};

template <class Source>
Rows* draw(const Source& source, const Wanted& wanted) {
    static_assert(std::is_trivially_destructible_v<Drawing<Source>>);
    return new (palloc(sizeof(Drawing<Source>))) Drawing<Source>(source, wanted);
}

OpenCall open_draw(FunctionCallInfo fcinfo, const Wanted& wanted) {
    if (PG_ARGISNULL(0)) {
        return {};
    }
    const std::int32_t max_level = level_argument(fcinfo, 2);
    const Question question = ask(fcinfo, 0, 1);
    return open_rows(
        question, fetch::Content::nodes,
        [&](const cache::ImageReader& reader, Rows*& rows) {
            core::Rank root;
            if (!find_argument(fcinfo, 0, reader, root)) {
                return false;
            }
            if (is_in_tree(reader, root)) {
                rows = draw(ImageSource(reader, root, max_level), wanted);
            }
            return true;
        },
        [&](fetch::Reading& below, Rows*& rows) {
            fetch::Reading* above = fetch::begin_reading_beside(below, fetch::Content::nodes);
            core::Key root;
            if (!key_argument(fcinfo, 0, question, below, root)) {
                return true;
            }
            const fetch::Chain* chain = fetch::read_node(*above, root);
            if (above->left_undone || !chain->in_tree()) {
                return !above->left_undone;
            }
            fetch::read_below(below, root, max_level);
            if (below.left_undone) {
                return false;
            }
            fetch::arrange(below, max_level);
            TableSource source(below, *walk_depth_first(below, max_level), question.form);
            source.set_start(*above, above->table->rows[chain->nodes[0]]);
            rows = draw(source, wanted);
            return true;
        });
}

double estimate_draw(const cache::ImageReader& reader, core::Rank root, const PlannedArgument* arguments,
                     const Conditions& conditions) {
    if (!is_in_tree(reader, root)) {
        return 0;
    }
    ImageWalk walk;
    walk.start = root;
    walk.last_level = last_level_below(reader.image(), root, limit_of(arguments[2]));
    return 1 + count_image(reader, walk, conditions);
}

}  // namespace

constexpr SetFunction tree_draw = {"tree_draw",
                                   stats::Function::draw,
                                   open_draw,
                                   1,
                                   {Column::line},
                                   0,
                                   1,
                                   false,
                                   estimate_draw,
                                   [](const core::Image& image) { return image.average_level() + 1; },
                                   Column::count};

}  // namespace pg_tree::scan
