package rotation
import ("testing";"time")
func TestZZ(t *testing.T){
 for _, b := range []budget{{},{crashes:1},{stale:1},{answers:1},{writes:1},{crashes:2},{crashes:1,stale:1}} {
  for _, p := range []policy{policies()[0], policies()[2],policies()[9]} {
   e := explorer{setting: setting{policy:p,budget:b}, t:t, seen: map[string]*tally{}}
   s:=time.Now()
   sum := e.walk(e.world())
   t.Logf("%+v %s worlds %d %v %+v", b,p.name,len(e.seen),time.Since(s),sum)
  }
 }
}
