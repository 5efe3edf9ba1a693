# gnuplot -e "data='FILE'; output='FILE.svg'; caption='TEXT'" plot.gnuplot
# Three questions side by side, one bar a method; data comes from plot.awk.

set terminal svg noenhanced size 1080,360 dynamic font "Helvetica,12" background "#ffffff"
set output output
set multiplot
set label 1 caption at screen 0.5,0.965 center font ",13" textcolor "#333333"

set style fill solid 1.0 noborder
set boxwidth 0.7
set border 1 linecolor "#999999"
set grid xtics linecolor "#e6e6e6" linewidth 1
set format x "%g"
set xtics nomirror textcolor "#666666" font ",10" scale 0.4
unset ytics
unset key
set tmargin at screen 0.84
set bmargin at screen 0.13
set xlabel "ms, logarithmic" textcolor "#666666" font ",10" offset 0,0.6

titles = "'everything below the root' 'a subtree of about ten nodes' 'ancestors of a deep node'"
do for [panel = 0:2] {
    # stats leaves out what is out of range, and refuses logarithmic axes.
    set xrange [*:*]
    set yrange [*:*]
    unset logscale x
    stats data index panel using 2 nooutput
    set logscale x
    set yrange [8.6:0.4]
    low = 10 ** floor(log10(STATS_min) - 0.3)
    # Room to the right of the longest bar for its label.
    span = log10(STATS_max / low)
    set xrange [low : low * 10 ** (span * 1.45)]
    set lmargin at screen 0.105 + 0.305 * panel
    set rmargin at screen 0.105 + 0.305 * panel + 0.275
    set title word(titles, panel + 1) font ",12" textcolor "#333333" offset 0,-0.4
    plot data index panel using (low):1:(low):2:($1 - 0.36):($1 + 0.36):($1 == 1 ? 0x1b7837 : 0xb8c4d0) \
                  with boxxyerror linecolor rgb variable, \
              '' index panel using (panel == 0 ? low : NaN):1:3 with labels right offset -0.8,0 textcolor "#333333", \
              '' index panel using 2:1:4 with labels left offset 0.5,0 font ",10" textcolor "#333333"
    unset label 1
}
unset multiplot
